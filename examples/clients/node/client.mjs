// A platform's side of the contract in another language: it knows the AsyncAPI document and the
// schema files beside it, and nothing else of gridpatrol. It validates what boxes publish, puts
// evidence together and answers with receipts. It keeps everything in memory: a real platform
// commits before it answers.
//
//   node client.mjs --document ../../../uploader/contract/asyncapi.yaml --url mqtt://127.0.0.1:1883
//
// One JSON line for each message: {channel, topic, ok, faults}. Ends after --seconds, if given.
import { createHash, createPublicKey, randomUUID, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import mqtt from "mqtt";
import { parse } from "yaml";

const { values: options } = parseArgs({
  options: {
    document: { type: "string" },
    url: { type: "string", default: "mqtt://127.0.0.1:1883" },
    root: { type: "string", default: "gridpatrol" },
    seconds: { type: "string" },
  },
});
const document = parse(readFileSync(options.document, "utf8"));
const ajv = new Ajv2020({ allErrors: true, strict: false });
addFormats(ajv);

function resolve(node) {
  if (!node?.$ref) return node;
  if (!node.$ref.startsWith("#/")) {
    return JSON.parse(readFileSync(join(dirname(options.document), node.$ref), "utf8"));
  }
  return resolve(node.$ref.slice(2).split("/").reduce((at, step) => at[step], document));
}

// What a box sends a platform receives: address, MQTT filter, message.
const channels = Object.values(document.operations)
  .filter((operation) => operation.action === "send")
  .map((operation) => {
    const name = operation.channel.$ref.split("/").pop();
    const channel = resolve(operation.channel);
    const message = resolve(Object.values(channel.messages)[0]);
    const address = channel.address.replace("{root}", options.root);
    const pattern = address.replace(/\{(\w+)\}/g, "(?<$1>[^/]+)");
    const json = message.contentType.includes("json");
    return {
      name,
      filter: address.replace(/\{\w+\}/g, "+"),
      pattern: new RegExp(`^${pattern}$`),
      message,
      headers: ajv.compile(resolve(message.headers)),
      payload: json ? ajv.compile(resolve(message.payload)) : null,
    };
  });
const receipts = resolve({ $ref: "#/channels/receipt" }).address;
const isReceipt = ajv.compile(resolve(resolve({ $ref: "#/components/messages/receipt" }).payload));

const keys = new Map(); // kid → public key, as boxes report it
const files = new Map(); // sha256 → { total, pieces: Map(offset → bytes), whole }
const waiting = new Map(); // topic + payload hash → case that lacks files

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

function publicKey({ key }) {
  const x = Buffer.from(key, "base64").toString("base64url");
  return createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
}

function faultsOf(channel, payload, properties) {
  const user = properties.userProperties ?? {};
  const faults = [];
  const say = (words) => faults.push(words);
  if (!channel.headers(user)) say(`user properties: ${ajv.errorsText(channel.headers.errors)}`);
  if (!channel.payload) return faults;
  const { contentType, payloadFormatIndicator } = channel.message.bindings.mqtt;
  if (properties.contentType !== contentType) say(`content type ${properties.contentType}`);
  if (Number(properties.payloadFormatIndicator) !== payloadFormatIndicator) say("payload format");
  if (user.sha256 !== sha256(payload)) say("sha256 is not that of the payload");
  const event = JSON.parse(payload);
  if (!channel.payload(event)) say(ajv.errorsText(channel.payload.errors));
  for (const name of ["id", "source", "type"]) if (user[name] !== event[name]) say(`${name} differs`);
  if (event.seq !== undefined && user.seq !== String(event.seq)) say("seq differs");
  if (channel.name === "reported" && event.data?.public_key) {
    keys.set(event.data.public_key.kid, publicKey(event.data.public_key));
  }
  const key = keys.get(user.kid);
  if (key && !verify(null, payload, key, Buffer.from(user.sig, "base64"))) say("wrong signature");
  return faults;
}

function missingOf(event) {
  return event.data.evidence.filter((e) => !e.url && !files.get(e.sha256)?.whole)
    .map((e) => e.sha256);
}

function answer(place, event, hash) {
  const missing = missingOf(event);
  const at = new Date().toISOString();
  const receipt = {
    specversion: "1.0",
    id: randomUUID(),
    source: "//example/node-client",
    subject: event.subject,
    time: at,
    datacontenttype: "application/json",
    type: "cn.gridpatrol.receipt.v1",
    dataschema: "urn:gridpatrol:schema:receipt:v1",
    data: {
      case_id: event.data.case_id ?? null,
      revision: event.data.revision ?? null,
      request_id: event.data.request_id ?? null,
      payload_sha256: hash,
      result: missing.length ? "stored" : "complete",
      missing,
      reason: null,
      retry_after_s: null,
      at,
    },
  };
  if (!isReceipt(receipt)) throw new Error(ajv.errorsText(isReceipt.errors));
  const topic = receipts.replace(/\{(\w+)\}/g, (_, name) => place[name]);
  client.publish(topic, JSON.stringify(receipt), { qos: 1 });
  const key = `${topic} ${hash}`;
  if (missing.length) waiting.set(key, () => answer(place, event, hash));
  else waiting.delete(key);
}

function takePiece(digest, payload, user) {
  const file = files.get(digest) ?? { pieces: new Map(), whole: false };
  files.set(digest, file);
  if (file.whole) return;
  file.pieces.set(Number(user.offset), payload);
  const bytes = Buffer.concat([...file.pieces].sort(([a], [b]) => a - b).map(([, piece]) => piece));
  if (bytes.length !== Number(user.total) || sha256(bytes) !== digest) return;
  file.whole = true;
  file.pieces.clear();
  for (const again of [...waiting.values()]) again();
}

const client = mqtt.connect(options.url, { protocolVersion: 5, clean: true });
client.on("connect", () => {
  client.subscribe(channels.map((channel) => channel.filter), { qos: 1 }, () => {
    process.stdout.write(`${JSON.stringify({ ready: channels.map((c) => c.name) })}\n`);
  });
});
client.on("message", (topic, payload, packet) => {
  const channel = channels.find((one) => one.pattern.test(topic));
  if (!channel) return;
  const place = { root: options.root, ...channel.pattern.exec(topic).groups };
  const properties = packet.properties ?? {};
  const faults = faultsOf(channel, payload, properties);
  process.stdout.write(
    `${JSON.stringify({ channel: channel.name, topic, ok: !faults.length, faults })}\n`,
  );
  if (faults.length) return;
  if (channel.name === "blob") takePiece(place.sha256, payload, properties.userProperties);
  if (channel.name === "case" || channel.name === "reply") {
    answer(place, JSON.parse(payload), sha256(payload));
  }
});
client.on("error", (error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
});
if (options.seconds) setTimeout(() => client.end(false, {}, () => process.exit(0)), options.seconds * 1000);
