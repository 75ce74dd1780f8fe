// An AWS Lambda that answers with LaunchDarkly's flags from DynamoDB, in daemon mode: nothing here connects to LaunchDarkly.
// What it is asked and what it answers is in ../README.md.

process.env.AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE = '1';

const sdk = require('launchdarkly-node-server-sdk');
const { DynamoDBFeatureStore } = require('launchdarkly-node-server-sdk-dynamodb');

const { env } = process;

function wholeNumber(name, standard) {
  const text = env[name] || String(standard);
  if (!/^\d+$/.test(text)) {
    throw new Error(`${name} must be a whole number of seconds, not "${text}"`);
  }
  return Number(text);
}

const table = env.DYNAMODB_TABLE;
if (!table) {
  throw new Error('DYNAMODB_TABLE must name the table with the flags');
}
const prefix = env.PREFIX || '';
// How long a flag that was read is served without reading it again, and so how late a change may be seen. Longer saves read
// units and milliseconds; 0 reads the table at every evaluation. A container that was frozen longer than this reads anew
// when it is thawed.
const cacheSeconds = wholeNumber('CACHE_SECONDS', 30);

// Once, outside of the handler: it is cold only at the start, and its cache serves every invocation after the first.
const client = sdk.init('not-used-in-daemon-mode', {
  useLdd: true,
  featureStore: DynamoDBFeatureStore(table, {
    prefix,
    cacheTTL: cacheSeconds,
    // The variable by which AWS's newer SDKs are told of another endpoint; this one, version 2, does not look itself.
    clientOptions: { endpoint: env.AWS_ENDPOINT_URL_DYNAMODB || undefined },
  }),
  // A frozen container sends nothing, and daemon mode needs no key with which it could.
  sendEvents: false,
  diagnosticOptOut: true,
  logger: sdk.basicLogger({ level: 'warn' }),
});
const ready = client.waitForInitialization();

exports.handler = async event => {
  const { flag, context, default: fallback = null } = event ?? {};
  if (flag != null && (typeof flag !== 'string' || flag === '')) {
    return { error: '"flag" must be the key of a flag; without it all flags are answered' };
  }
  if (context == null) {
    return { error: '"context" is missing: say for whom, such as {"kind":"user","key":"user-17"}' };
  }
  await ready;
  return flag == null ? allFlags(context) : oneFlag(context, flag, fallback);
};

const notOne = { error: '"context" is not one: it needs a "kind" and a "key" that is not empty' };
// The SDK's word for a context that it cannot use.
const isNotOne = reason => reason.errorKind === 'USER_NOT_SPECIFIED';

async function oneFlag(context, flag, fallback) {
  const { value, variationIndex: variation = null, reason } = await client.variationDetail(flag, context, fallback);
  return isNotOne(reason) ? notOne : { flag, value, variation, reason };
}

async function allFlags(context) {
  const state = await client.allFlagsState(context, { withReasons: true });
  const { $flagsState: about, $valid, ...values } = state.toJSON();
  if (Object.keys(values).length === 0) {
    const where = `the table "${table}" with the prefix "${prefix}"`;
    return { error: `no flags in ${where}: was it filled, and may this function read it? Its log has more` };
  }
  if (Object.values(about).some(({ reason }) => isNotOne(reason))) {
    return notOne;
  }
  const flag = (key, value) => {
    const { variation = null, version, reason } = about[key];
    return { value, variation, version, reason };
  };
  return { flags: Object.fromEntries(Object.entries(values).map(([key, value]) => [key, flag(key, value)])) };
}
