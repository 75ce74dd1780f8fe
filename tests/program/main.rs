//! The program as a process, from outside: what it is given, what it prints, how it ends. LaunchDarkly and DynamoDB are
//! simulated in the process of the tests. One file a promise.

mod ask;
mod process;
mod world;

mod config;
mod demo;
mod doctor;
mod logs;
mod probes;
mod run;
mod stop;
mod sync;
mod verify;
