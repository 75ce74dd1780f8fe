// LaunchDarkly's Node SDK as a reader; what it is told and what it prints is in ../README.md.

process.env.AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE = '1';

const fs = require('fs');
const sdk = require('launchdarkly-node-server-sdk');
const { DynamoDBFeatureStore } = require('launchdarkly-node-server-sdk-dynamodb');

const { env } = process;
const FALLBACK = 'fallback';
const START_MILLISECONDS = 30_000;

function toStderr(level) {
  return line => process.stderr.write(`${level}: ${line}\n`);
}

const logger = { error: toStderr('error'), warn: toStderr('warn'), info: () => {}, debug: () => {} };

function options() {
  const common = { sendEvents: false, diagnosticOptOut: true, logger };
  if (env.READER_MODE === 'daemon') {
    const clientOptions = { endpoint: env.DYNAMODB_URL };
    const store = DynamoDBFeatureStore(env.TABLE, { prefix: env.PREFIX, cacheTTL: 0, clientOptions });
    return { ...common, useLdd: true, featureStore: store };
  }
  return { ...common, baseUri: env.BASE_URI, streamUri: env.STREAM_URI, eventsUri: env.EVENTS_URI };
}

async function single(client, context, flag) {
  const { value, variationIndex, reason } = await client.variationDetail(flag, context, FALLBACK);
  return { value, variation: variationIndex, reason };
}

async function allFlags(client, context) {
  const { $flagsState: about, $valid: valid, ...values } = (
    await client.allFlagsState(context, { withReasons: true })
  ).toJSON();
  if (!valid) {
    throw new Error(`allFlagsState is not valid for ${JSON.stringify(context)}`);
  }
  return mapValues(values, (value, flag) => ({ value, ...about[flag] }));
}

function mapValues(object, change) {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value, key)]));
}

// Members in order of their names, so that equal answers are equal text.
function sorted(_, value) {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value;
}

async function main() {
  const job = JSON.parse(fs.readFileSync(env.READER_JOB, 'utf8'));
  const client = sdk.init(env.SDK_KEY, options());
  const late = setTimeout(() => {
    process.stderr.write(`not initialised within ${START_MILLISECONDS} ms\n`);
    process.exit(1);
  }, START_MILLISECONDS);
  await client.waitForInitialization();
  clearTimeout(late);

  const answer = { single: {}, all: {} };
  for (const [name, context] of Object.entries(job.contexts)) {
    const details = await Promise.all(job.flags.map(flag => single(client, context, flag)));
    answer.single[name] = Object.fromEntries(job.flags.map((flag, index) => [flag, details[index]]));
    answer.all[name] = await allFlags(client, context);
  }
  client.close();
  fs.writeFileSync(1, JSON.stringify(answer, sorted));
}

main().catch(error => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
