"""LaunchDarkly's Python SDK as a reader; what it is told and what it prints is in ../README.md."""

import json
import os
import sys

from ldclient import Context, LDClient
from ldclient.config import Config
from ldclient.feature_store import CacheConfig
from ldclient.integrations import DynamoDB

FALLBACK = "fallback"
START_SECONDS = 30


def config():
    if os.environ["READER_MODE"] == "daemon":
        store = DynamoDB.new_feature_store(
            os.environ["TABLE"],
            prefix=os.environ["PREFIX"],
            dynamodb_opts={"endpoint_url": os.environ["DYNAMODB_URL"]},
            caching=CacheConfig.disabled(),
        )
        return Config(os.environ["SDK_KEY"], feature_store=store, use_ldd=True, send_events=False)
    return Config(
        os.environ["SDK_KEY"],
        base_uri=os.environ["BASE_URI"],
        stream_uri=os.environ["STREAM_URI"],
        events_uri=os.environ["EVENTS_URI"],
        send_events=False,
        diagnostic_opt_out=True,
    )


def single(client, context, flag):
    detail = client.variation_detail(flag, context, FALLBACK)
    return {"value": detail.value, "variation": detail.variation_index, "reason": detail.reason}


def all_flags(client, context):
    state = client.all_flags_state(context, with_reasons=True)
    if not state.valid:
        sys.exit(f"all_flags_state is not valid for {context.fully_qualified_key}")
    document = state.to_json_dict()
    about = document.pop("$flagsState")
    document.pop("$valid")
    return {flag: {"value": value, **about[flag]} for flag, value in document.items()}


def main():
    with open(os.environ["READER_JOB"], encoding="utf-8") as file:
        job = json.load(file)
    client = LDClient(config(), start_wait=START_SECONDS)
    if not client.is_initialized():
        sys.exit(f"not initialised within {START_SECONDS} s")
    contexts = {name: Context.from_dict(context) for name, context in job["contexts"].items()}
    answer = {
        "single": {
            name: {flag: single(client, context, flag) for flag in job["flags"]} for name, context in contexts.items()
        },
        "all": {name: all_flags(client, context) for name, context in contexts.items()},
    }
    client.close()
    # Escaped, so that half a character is printed as it is and can be told from the other half.
    json.dump(answer, sys.stdout, sort_keys=True, separators=(",", ":"))


main()
