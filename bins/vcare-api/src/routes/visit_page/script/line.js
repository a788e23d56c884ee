// The line: measures it with as little as it can carry, tells the server, and says in words what was decided. Nothing
// waits for it.
const MINUTE = 60000;
let decided = null;
let measured = null;
let measuring = false;
let asked = false;
let nextLook = 0;
let lastLook = 0;

const carries = kbps => Math.max(0, Math.min(Math.round(kbps), 100000));

// A small piece first, larger ones only while they pass quickly. The round trip is not the line's width.
const width = async (sizes, trip, send) => {
  let kbps = 0;
  for (const bytes of sizes) {
    const answer = await send(bytes);
    if (!answer.status || answer.status > 299) break;
    const spent = Math.max(answer.took - trip, 1);
    kbps = carries(bytes * 8 / spent);
    if (spent > 250) break;
  }
  return kbps;
};

const noise = length => crypto.getRandomValues(new Uint8Array(length));

const measure = async () => {
  const trips = [];
  const tries = 5;
  for (let at = 0; at < tries; at++) {
    const answer = await ask("GET", "/visit/probe?bytes=1", 5);
    if (answer.status === 200) trips.push(answer.took);
  }
  if (!trips.length) return null;
  trips.sort((a, b) => a - b);
  const link = navigator.connection || {};
  const thrifty = link.saveData || /2g/.test(link.effectiveType);
  const sizes = [2048, 8192, 32768].slice(0, thrifty ? 1 : 3);
  const downKbps = await width(sizes, trips[0], bytes => ask("GET", "/visit/probe?bytes=" + bytes, 20));
  const up = sizes.map(bytes => Math.min(bytes, 16384));
  const upKbps = await width(up, trips[0], bytes => ask("POST", "/visit/probe", 20, noise(bytes)));
  return {
    rttMs: Math.round(trips[trips.length >> 1]),
    lossPercent: Math.round(100 * (tries - trips.length) / tries),
    upKbps,
    downKbps,
  };
};

// Tells the server how the line is and what the person prefers, and takes its decision.
const report = async () => {
  const wish = visit.prefer ? { prefer: visit.prefer } : {};
  const answer = await ask("POST", BASE + "/link-probe", 20, Object.assign(wish, measured));
  if (answer.status !== 200 || !answer.body.mode) return;
  // The video room's address was made for what was decided before.
  if (answer.body.mode !== (decided || { mode: "video" }).mode) visit.url = "";
  decided = answer.body;
  render();
};

// A line that got better is believed at the second look.
const recovers = () => decided && decided.reason === "recovering";

const lookAtLine = async byHand => {
  if (measuring) return;
  measuring = true;
  asked = byHand;
  render();
  // What comes of the clinic would make the line look narrower than it is.
  await clinicLoaded;
  for (let look = 0; look < 2; look++) {
    const before = cuts;
    const result = await measure();
    // What was cut short says nothing of the line.
    if (!result || cuts !== before) break;
    measured = result;
    await report();
    // Who asked for it waits for both looks.
    if (!byHand || !recovers()) break;
  }
  measuring = asked = false;
  lastLook = Date.now();
  nextLook = lastLook + (!measured || recovers() ? 1 : 20) * MINUTE;
  render();
};

const lineWords = () => {
  if (measuring && asked) return words.measuring;
  if (!decided) return "";
  const chose = { audio: words.choseAudio, message: words.choseMessage };
  return (decided.reason === "chosen" && chose[decided.mode]) || words[decided.mode];
};

const prefer = mode => () => {
  visit.prefer = mode;
  remember();
  // The same measurement twice would be no second look.
  if (recovers()) lookAtLine(true);
  else report();
};

const poorer = () => {
  const offers = { video: ["toAudio", "audio"], audio: ["toMessage", "message"] };
  const offer = decided && !measuring && offers[decided.mode];
  return offer && [words[offer[0]], prefer(offer[1])];
};

const better = () => {
  if (!decided || measuring) return null;
  if (decided.reason === "chosen") return [decided.mode === "audio" ? words.toVideo : words.toCall, prefer("video")];
  if (decided.mode === "video") return null;
  return [words.measure, () => lookAtLine(true)];
};
