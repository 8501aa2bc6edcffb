// The worker that ours is compared with, as small as it can be: for each message it makes the requests to DynamoDB that
// ours made, and one signed call to Flickr. It decides nothing, opens no token, and writes no log.
//
// `node worker.mjs REQUESTS`: a JSON file with `[operation, input]` of each request.

import { createHmac, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { Agent, request } from "node:http";

import * as dynamodb from "@aws-sdk/client-dynamodb";

const client = new dynamodb.DynamoDBClient({});
const requests = JSON.parse(readFileSync(process.argv[2], "utf-8"));
const agent = new Agent({ keepAlive: true });
const runtime = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation`;
const [consumer, token] = [{ key: "k".repeat(32), secret: "s".repeat(16) }, { key: "t".repeat(34), secret: "u".repeat(16) }];

/** Sends one HTTP request: its headers and body. */
function http(method, url, body) {
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent, method }, (answer) => {
      const parts = [];
      answer.on("data", (part) => parts.push(part));
      answer.on("end", () => resolve({ headers: answer.headers, body: Buffer.concat(parts).toString("utf-8") }));
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

/** Percent-encodes as RFC 5849 does, section 3.6. */
function encoded(text) {
  return encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** The URL of a call to Flickr, signed as RFC 5849 says, section 3.4. */
function signed(parameters) {
  const url = `${process.env.FLICKR_URL}/services/rest`;
  const all = {
    ...parameters,
    format: "json",
    nojsoncallback: "1",
    oauth_consumer_key: consumer.key,
    oauth_nonce: randomBytes(16).toString("hex"),
    oauth_signature_method: "HMAC-SHA1",
    oauth_timestamp: Math.floor(Date.now() / 1000).toString(),
    oauth_token: token.key,
    oauth_version: "1.0",
  };
  const query = Object.keys(all).sort().map((name) => `${encoded(name)}=${encoded(all[name])}`).join("&");
  const base = `GET&${encoded(url)}&${encoded(query)}`;
  const signature = createHmac("sha1", `${consumer.secret}&${token.secret}`).update(base).digest("base64");
  return `${url}?${query}&oauth_signature=${encoded(signature)}`;
}

async function job() {
  for (const [operation, input] of requests) {
    await client.send(new dynamodb[`${operation}Command`](input));
  }
  const answer = await http("GET", signed({ method: "flickr.photos.getInfo", photo_id: "53000000000" }));
  if (JSON.parse(answer.body).stat !== "ok") throw new Error(answer.body);
}

for (;;) {
  const event = await http("GET", `${runtime}/next`);
  for (const record of JSON.parse(event.body).Records) {
    JSON.parse(record.body);
    await job();
  }
  const answer = JSON.stringify({ batchItemFailures: [] });
  await http("POST", `${runtime}/${event.headers["lambda-runtime-aws-request-id"]}/response`, answer);
}
