"""An AWS Lambda that answers with LaunchDarkly's flags from DynamoDB, in daemon mode: nothing here connects to LaunchDarkly.
What it is asked and what it answers is in ../README.md."""

import os

from ldclient import Context, LDClient
from ldclient.config import Config
from ldclient.feature_store import CacheConfig
from ldclient.integrations import DynamoDB


def whole_number(name, default):
    text = os.environ.get(name) or str(default)
    if not text.isdecimal():
        raise RuntimeError(f"{name} must be a whole number of seconds, not {text!r}")
    return int(text)


TABLE = os.environ.get("DYNAMODB_TABLE")
if not TABLE:
    raise RuntimeError("DYNAMODB_TABLE must name the table with the flags")
PREFIX = os.environ.get("PREFIX", "")
# How long a flag that was read is served without reading it again, and so how late a change may be seen. Longer saves read
# units and milliseconds; 0 reads the table at every evaluation. A container that was frozen longer than this reads anew
# when it is thawed.
CACHE_SECONDS = whole_number("CACHE_SECONDS", 30)

# Once, outside of the handler: it is cold only at the start, and its cache serves every invocation after the first.
client = LDClient(
    Config(
        "not-used-in-daemon-mode",
        feature_store=DynamoDB.new_feature_store(
            TABLE,
            # An empty one would not be none.
            prefix=PREFIX or None,
            caching=CacheConfig(expiration=CACHE_SECONDS, capacity=10_000),
        ),
        use_ldd=True,
        # A frozen container sends nothing, and daemon mode needs no key with which it could.
        send_events=False,
        diagnostic_opt_out=True,
    )
)


def handler(event, _):
    try:
        flag, context = asked(event)
    except ValueError as error:
        return {"error": str(error)}
    if flag is None:
        return all_flags(context)
    detail = client.variation_detail(flag, context, event.get("default"))
    return {"flag": flag, "value": detail.value, "variation": detail.variation_index, "reason": detail.reason}


def asked(event):
    """The flag's key or None, and the context. ValueError says what is wrong with the event."""
    event = event if isinstance(event, dict) else {}
    flag = event.get("flag")
    if flag is not None and (not isinstance(flag, str) or not flag):
        raise ValueError('"flag" must be the key of a flag; without it all flags are answered')
    if event.get("context") is None:
        raise ValueError('"context" is missing: say for whom, such as {"kind":"user","key":"user-17"}')
    try:
        context = Context.from_dict(event["context"])
    except (AttributeError, TypeError, ValueError) as error:
        raise ValueError(f'"context" is not one: {error}') from error
    if not context.valid:
        raise ValueError(f'"context" is not one: {context.error}')
    return flag, context


def all_flags(context):
    document = client.all_flags_state(context, with_reasons=True).to_json_dict()
    about = document.pop("$flagsState")
    document.pop("$valid")
    if not document:
        where = f'the table "{TABLE}" with the prefix "{PREFIX}"'
        return {"error": f"no flags in {where}: was it filled, and may this function read it? Its log has more"}
    wanted = ("variation", "version", "reason")
    return {"flags": {key: {"value": value, **{it: about[key].get(it) for it in wanted}} for key, value in document.items()}}
