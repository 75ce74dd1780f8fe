# The image holds one static binary, the certificate authorities and a user without rights: no shell, no libraries.
# Each architecture is built on itself, or emulated: `docker buildx build --platform linux/amd64,linux/arm64 .`
#
# The RUN lines of the stage `build` write below the working directory only: `make image-parts` runs them as they
# stand where there is no container engine.

FROM rust:1.95-bookworm AS build
WORKDIR /src
ENV RUSTFLAGS="-C target-feature=+crt-static"

# The dependencies alone, so that a change of ours does not build them again. With `--target`, build scripts and
# macros, which cannot be static, are left as they are.
COPY Cargo.toml Cargo.lock ./
COPY sdk/Cargo.toml sdk/
COPY examples/lambda/rust/Cargo.toml examples/lambda/rust/
RUN mkdir -p src sdk/src examples/lambda/rust/src tests/aws tests/interop/rust tests/lambda benches/figures && touch src/lib.rs tests/page.rs sdk/src/lib.rs examples/lambda/rust/src/main.rs tests/lambda/reading.rs tests/aws/main.rs tests/interop/rust/main.rs tests/interop/main.rs benches/figures/main.rs && echo 'fn main() {}' > src/main.rs
RUN cargo build --release --locked --no-default-features --target "$(rustc --print host-tuple)"

COPY src src
COPY sdk/README.md sdk/
COPY sdk/src sdk/src
RUN touch src/main.rs src/lib.rs sdk/src/lib.rs
RUN cargo build --release --locked --no-default-features --target "$(rustc --print host-tuple)"

# What the image holds.
RUN install -D "target/$(rustc --print host-tuple)/release/ld-dynamodb-relay" root/ld-dynamodb-relay \
    && install -D -m 644 /etc/ssl/certs/ca-certificates.crt root/etc/ssl/certs/ca-certificates.crt \
    && echo 'relay:x:65532:65532::/:/' > root/etc/passwd \
    && echo 'relay:x:65532:' > root/etc/group


# For trying it out only (docker-compose.yml): the same, and the simulated LaunchDarkly.
FROM build AS build-simulator
RUN cargo build --release --locked --target "$(rustc --print host-tuple)" \
    && install "target/$(rustc --print host-tuple)/release/ld-dynamodb-relay" root/ld-dynamodb-relay

FROM scratch AS simulator
COPY --from=build-simulator /src/root /
USER 65532:65532
EXPOSE 8040
ENTRYPOINT ["/ld-dynamodb-relay"]
CMD ["simulate", "--address", "0.0.0.0:8040"]


FROM scratch AS relay
LABEL org.opencontainers.image.title="ld-dynamodb-relay" \
      org.opencontainers.image.description="Keeps LaunchDarkly's flags and segments in DynamoDB, for SDKs in daemon mode" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /src/root /
USER 65532:65532
# 8030 is meant for a load balancer; 8031 for operators and Prometheus.
EXPOSE 8030 8031
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 CMD ["/ld-dynamodb-relay", "health"]
ENTRYPOINT ["/ld-dynamodb-relay"]
# The Relay Proxy's arguments: its configuration file works at the place where it was mounted.
CMD ["--config", "/ldr/ld-relay.conf", "--allow-missing-file", "--from-env"]
