//! What holds for any stream of auto-configuration: what is to be done makes sense to whoever does it, what comes twice does
//! nothing, and no key is told. The input is a stream, and also the data of one event.

use std::collections::BTreeMap;

use ld_dynamodb_relay::launchdarkly::sse::{Decoder, Frame};
use ld_dynamodb_relay::roster::{Reconnection, Roster, RosterChange, RosterStep, Templates, read};
use secrecy::ExposeSecret;

pub(crate) fn check(input: &[u8]) {
    for prefix in ["$CID", "$PROJ_KEY-$ENV_KEY"] {
        let mut carried = Carried::new(prefix);
        let (mut decoder, mut frames) = (Decoder::new(input.len()), Vec::new());
        // What came before an error was heard.
        decoder.push(input, &mut frames).ok();
        for frame in frames {
            if let Frame::Event { name, data } = frame {
                carried.hear(&name, &data);
            }
        }
        if let Ok(text) = std::str::from_utf8(input) {
            for event in ["put", "patch", "delete"] {
                carried.hear(event, text);
            }
        }
    }
}

/// A roster, and what those have who carry out what it says: the versions of what is served.
struct Carried {
    roster: Roster,
    served: BTreeMap<String, u64>,
}

impl Carried {
    fn new(prefix: &str) -> Self {
        let templates = Templates::new("flags", prefix);
        Self {
            roster: Roster::new(templates.expect("they tell environments apart"), 0),
            served: BTreeMap::new(),
        }
    }

    fn hear(&mut self, event: &str, data: &str) {
        self.roster.opened();
        let step = self.roster.heed(read(event, data), 0);
        self.carry_out(&step);
        let again = self.roster.heed(read(event, data), 0);
        assert!(again.changes.is_empty(), "what comes twice does nothing");
        if event == "reconnect" {
            assert!(!matches!(again.connection, Reconnection::AtOnce));
        }
    }

    fn carry_out(&mut self, step: &RosterStep) {
        for change in &step.changes {
            match change {
                RosterChange::Add { entry, .. } => {
                    let before = self.served.insert(entry.id.to_string(), entry.version);
                    assert_eq!(before, None);
                }
                RosterChange::Update { entry, .. } => {
                    let before = self.served.insert(entry.id.to_string(), entry.version);
                    assert!(before.is_some_and(|before| before < entry.version));
                }
                RosterChange::Remove(id) => assert!(self.served.remove(&**id).is_some()),
            }
        }
        let mut places = BTreeMap::new();
        for (entry, destination) in self.roster.served() {
            assert_eq!(self.served.get(&*entry.id), Some(&entry.version));
            assert_eq!(entry.check(&entry.id), Ok(()));
            assert!(!entry.credentials.anchor().expose_secret().is_empty());
            let place = (destination.table.clone(), destination.prefix.clone());
            assert_eq!(places.insert(place, &entry.id), None, "one for each");
        }
        assert_eq!(places.len(), self.served.len());
        // The fixtures' keys begin so.
        let told = format!("{:?} {:?}", step.news, step.changes);
        assert!(!told.contains("sdk-0000") && !told.contains("mob-0000"));
    }
}
