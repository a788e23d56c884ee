// Where the sandbox is, who signs in, and what every client's visits are held to.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

interface Facts {
  api: string;
  patients: { consented: string };
  tenants: { id: string; tokens: Record<string, string> }[];
}

const file = process.env["VCARE_SANDBOX"];
assert(file, "VCARE_SANDBOX names the file with the sandbox's addresses");
const facts = JSON.parse(readFileSync(file, "utf8")) as Facts;

export const origin = new URL(facts.api).origin;
export const patient = facts.patients.consented;

/** The access token of somebody of the first hospital. */
export function tokenOf(who: string): string {
  const token = facts.tenants[0]?.tokens[who];
  assert(token, `there is nobody called ${who}`);
  return token;
}

/** When the visit is: soon enough that the waiting room is open. */
export const soon = () => new Date(Date.now() + 5 * 60_000);

/** Waits for the thing itself, with a deadline. */
export async function until<T>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    assert(Date.now() < deadline, `${what} did not come`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** A visit of no length is none, and lengths are whole seconds. */
export const talk = () => new Promise((resolve) => setTimeout(resolve, 1100));

/** A picture of one pixel. */
export const photo = Uint8Array.from(
  Buffer.from(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
    "base64",
  ),
);
