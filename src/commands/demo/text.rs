//! What the demo prints: where everything is, and lines to copy.

use std::fmt;

use super::TABLE;
use crate::model::Kind;
use crate::simulator::Items;

/// An environment, as it is shown.
pub(super) struct ShownEnvironment {
    pub(super) prefix: String,
    /// What else there is to say of it; may be empty.
    pub(super) title: String,
    /// A flag that it has.
    pub(super) flag: Option<String>,
}

/// See the module.
pub(super) struct DemoText<'a> {
    pub(super) endpoint: &'a str,
    pub(super) admin: u16,
    pub(super) environments: &'a [ShownEnvironment],
    /// What to do with the file.
    pub(super) edit: &'a str,
}

/// A flag to try.
pub(super) fn first_flag(items: &Items) -> Option<String> {
    let mut flags = items.iter().filter(|(key, _)| key.kind == Kind::Flag);
    flags.next().map(|(key, _)| key.key.to_string())
}

impl fmt::Display for DemoText<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            endpoint,
            admin,
            environments,
            edit,
        } = self;
        let first = environments.first();
        let prefix = first.map_or("your-prefix", |it| &it.prefix);
        let flag = first.and_then(|it| it.flag.as_deref());
        let flag = flag.unwrap_or("your-flag");
        let mut prefixes = String::new();
        for it in *environments {
            let line = format!("  prefix     {}  {}", it.prefix, it.title);
            prefixes.push_str(line.trim_end());
            prefixes.push('\n');
        }
        write!(
            out,
            r#"
The table is what the simulated LaunchDarkly says.

  DynamoDB   {endpoint}
  table      {TABLE}
{prefixes}  status     http://127.0.0.1:{admin}/status

Read a flag with the AWS CLI:

  AWS_ACCESS_KEY_ID=demo AWS_SECRET_ACCESS_KEY=demo aws dynamodb get-item --region us-east-1 \
    --endpoint-url {endpoint} --table-name {TABLE} \
    --key '{{"namespace":{{"S":"{prefix}:features"}},"key":{{"S":"{flag}"}}}}'

Evaluate it with LaunchDarkly's Python SDK in daemon mode (pip install launchdarkly-server-sdk boto3):

  AWS_ACCESS_KEY_ID=demo AWS_SECRET_ACCESS_KEY=demo AWS_DEFAULT_REGION=us-east-1 python3 -c '
import ldclient
from ldclient.config import Config
from ldclient.integrations import DynamoDB
store = DynamoDB.new_feature_store("{TABLE}", prefix="{prefix}", dynamodb_opts={{"endpoint_url": "{endpoint}"}})
ldclient.set_config(Config("sdk-demo-0000", feature_store=store, use_ldd=True, send_events=False))
print(ldclient.get().variation("{flag}", ldclient.Context.create("you"), None))'

{edit}
Ctrl-C stops it.

"#
        )
    }
}
