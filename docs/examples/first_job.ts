// Connects a Flickr account to FlickrHub and runs a job with it. Node.js 24 runs it as it is, 20 once `tsc` has compiled
// it:
//
//     node first_job.ts
//
// FLICKRHUB_URL and FLICKRHUB_API_KEY say where FlickrHub is. FLICKR_API_KEY and FLICKR_API_SECRET are those of your
// Flickr app.

import { createInterface } from "node:readline/promises";
import { setTimeout } from "node:timers/promises";

type Account = { user_id: string };
type Login = { authorize_url: string; oauth_token: string };
type Job = { job_id: string; state: string; finished_at: string | null; result: unknown; error: unknown };

function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
}

/** The `data` of FlickrHub's answer, and in how many seconds to ask again. */
async function call<T>(method: string, path: string, body?: object): Promise<{ data: T; retryAfter: number }> {
  for (;;) {
    const answer = await fetch(setting("FLICKRHUB_URL") + path, {
      method,
      headers: { "x-api-key": setting("FLICKRHUB_API_KEY"), "content-type": "application/json" },
      body: body === undefined ? null : JSON.stringify(body),
    });
    const retryAfter = Number(answer.headers.get("retry-after") ?? 1);
    if (answer.ok) return { data: ((await answer.json()) as { data: T }).data, retryAfter };
    if (answer.status !== 429 && answer.status !== 503) {
      throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    }
    await setTimeout(retryAfter * 1000);
  }
}

/** The `user_id` of an account, once its user has allowed the access. */
async function connected(): Promise<string> {
  const app = { api_key: setting("FLICKR_API_KEY"), api_secret: setting("FLICKR_API_SECRET") };
  const { data: login } = await call<Login>("POST", "/v1/auth/start", { ...app, perms: "read" });
  console.error(`Allow the access at ${login.authorize_url}\nand type the code that Flickr shows:`);
  const terminal = createInterface({ input: process.stdin });
  const code = (await terminal.question("")).trim();
  terminal.close();
  const answer = { oauth_token: login.oauth_token, oauth_verifier: code };
  return (await call<Account>("POST", "/v1/auth/complete", answer)).data.user_id;
}

/** The job, once it has ended. FlickrHub says when to ask again. */
async function ended(jobId: string): Promise<Job> {
  for (;;) {
    const { data: job, retryAfter } = await call<Job>("GET", `/v1/flickr/jobs/${jobId}`);
    if (job.finished_at !== null) return job;
    await setTimeout(retryAfter * 1000);
  }
}

const request = { method: "flickr.test.login", user_id: await connected() };
const job = await ended((await call<Job>("POST", "/v1/flickr/rest", request)).data.job_id);
if (job.state !== "completed") throw new Error(`the job is ${job.state}: ${JSON.stringify(job.error)}`);
console.log(JSON.stringify(job.result));
