// Coming, waiting and going in. One loop asks how the person stands; everything that happens to it (a lost line, a
// phone that slept, a press on a button) only wakes it, cuts its request short or begins it anew.
const NOTICE = 10;
let turn = 0;
let joined = false;
let fresh = true;
let plain = false;
let strikes = 0;
let plainRest = 5;
let askedAt = 0;
let leaveIn = 0;
let ticks = 0;
let hurry = false;
let code = "";
let device = "";
let wake = () => {};

const pause = ms => new Promise(done => {
  const timer = setTimeout(done, ms);
  wake = () => {
    clearTimeout(timer);
    done();
  };
});

// 2, 4, 8 … 30 seconds, and never all phones at the same moment.
const backoff = () => Math.min(30, Math.pow(2, strikes)) * (750 + Math.random() * 500);

// This entry of the history knows that a person came by it, so that a reload needs no button; it does not hold the token.
const remember = () => history.replaceState({ came: true, prefer: visit.prefer, clinic: clinic && clinic.tag }, "");

// The token that a short link's code stands for; answers what came back when it was not had.
const needToken = async () => {
  if (token) return;
  const found = await ask("POST", BASE + "/short", 30, { code });
  if (found.status !== 200) return found;
  token = found.body.token;
};

const join = async takeOver => {
  const failed = await needToken();
  if (failed) return failed;
  const body = { token };
  if (device && !plain) body.deviceId = device;
  if (takeOver) body.takeOver = true;
  return ask("POST", BASE, 30, body);
};

// With what is known already the server answers when there is news, or after a minute; without, at once.
const look = () => {
  let query = device && !plain ? "?deviceId=" + device : "";
  if (!fresh && !plain) {
    query += (query ? "&" : "?") + "since=" + visit.version + "&place=" + (visit.place || 0);
  }
  return ask("GET", BASE + "/status" + query, fresh ? 30 : 80);
};

const learn = body => {
  const changed = body.version !== visit.version || body.placeInLine !== visit.place;
  visit.version = body.version;
  visit.place = body.placeInLine;
  visit.about = body.estimatedWaitMinutes;
  visit.expected = Date.parse(body.expectedAt);
  visit.start = body.scheduledStart || visit.start;
  if (body.timeZone) visit.zone = body.timeZone;
  fallback = Object.assign({ how: fallback.how }, body.fallback);
  if (body.opensAt) visit.opens = Date.parse(body.opensAt);
  if (body.serverTime) setClock(body.serverTime);
  return changed;
};

// Answers how many seconds to rest before the next question; none after the last.
const react = answer => {
  const { status, body, after } = answer;
  const enters = !joined && body.destination === "direct_join";
  const wasFresh = fresh;
  if (status === 0) {
    fresh = true;
    if (answer.cut && navigator.onLine !== false) return 0;
    strikes++;
    // A proxy that ends a long request is no lost line: the second failure tells.
    if (strikes > 1 || navigator.onLine === false) show("lost");
    return backoff() / 1000;
  }
  // Whoever cannot go on is to know whom to call.
  if (status === 401 || status === 409) loadClinic();
  if (status === 401) return show(body.code === "TOKEN_EXPIRED" ? "old" : "bad");
  if (status === 409 && body.code === "JOINED_ON_ANOTHER_DEVICE") return show(joined ? "taken" : "other");
  if (status === 409 && body.code === "INVALID_STATUS_TRANSITION") {
    if (body.currentStatus === "failed" && !joined) {
      // Nobody can come any more; the status says how to go on.
      joined = fresh = true;
      return 0;
    }
    return show(/^(cancelled|failed)$/.test(body.currentStatus) ? body.currentStatus : "over");
  }
  if (status === 400 && !plain) {
    // A server from before this page: it still answers the plain questions.
    plain = true;
    return 1;
  }
  if (status > 299 || (enters && !secure(body.url))) {
    fresh = true;
    strikes++;
    if (strikes > 1) show("down");
    return Math.max(after, backoff() / 1000);
  }
  strikes = 0;
  fresh = false;
  if (status === 204) {
    if (!/ready|failed/.test(screen)) showWait();
    return Math.max(1, Math.min(after, 50));
  }
  const news = learn(body);
  if (!joined) {
    joined = true;
    if (body.clinic) clinicLoaded = loadClinic(body.clinic).then(remember);
    visit.provider = body.providerName;
    remember();
    speakAs(body.locale);
    if (enters) {
      arrive(body.url);
    } else {
      hurry = false;
      showWait();
    }
    return 0;
  }
  if (body.sessionStatus === "failed") {
    show("failed");
    return news ? 1 : quietly(answer, wasFresh);
  }
  if (body.destination === "direct_join") {
    if (screen === "ready") return news ? 1 : quietly(answer, wasFresh);
    joined = false;
    return 0;
  }
  if (body.participantStatus === "invited") {
    // It was moved to a time that has not come: joining again says when it opens.
    joined = false;
    return 0;
  }
  showWait();
  return news ? 1 : quietly(answer, wasFresh);
};

// Nothing new: a server that answers that at once is asked ever more rarely.
const quietly = (answer, wasFresh) => {
  if (wasFresh && !plain) return 0;
  plainRest = answer.took > 2000 ? 5 : Math.min(plainRest * 1.2, 20);
  return plainRest;
};

const run = async takeOver => {
  const mine = ++turn;
  cutShort();
  joined = false;
  fresh = true;
  while (mine === turn) {
    askedAt = Date.now();
    const answer = await (joined ? look() : join(takeOver));
    if (mine !== turn) return;
    const rest = react(answer);
    if (rest === undefined || mine !== turn) return;
    if (/wait|ready/.test(screen) && Date.now() > nextLook) lookAtLine();
    await pause(rest * 1000);
  }
};

const come = takeOver => {
  strikes = 0;
  show("busy");
  run(takeOver);
};

// Looks at once: the line is back, the phone woke up, or the person asks for it. A request that has been on its way
// for a while may have died in its sleep.
const stir = () => {
  if (Math.abs(Date.now() - askedAt) > 20000) cutShort();
  wake();
};

const secure = url => /^https:\/\/[^/]/i.test(url);

// The person is told a few seconds before, and may say "not yet": nobody is thrown in front of a camera, and nobody who
// cannot find the button is left outside.
const arrive = url => {
  visit.url = url;
  visit.since = Date.now();
  if (hurry) return leave();
  leaveIn = NOTICE;
  show("ready");
  // After a reload nobody has touched the page yet, and a newer browser would complain.
  const touched = navigator.userActivation ? navigator.userActivation.hasBeenActive : true;
  if (touched && navigator.vibrate) navigator.vibrate([300, 200, 300]);
};

const hold = () => {
  leaveIn = 0;
  render();
};

// An address that is no longer fresh is asked for anew, which also shows that the line is there.
const go = () => {
  const age = Date.now() - visit.since;
  if (visit.url && age >= 0 && age < 20000) return leave();
  hurry = true;
  strikes = 0;
  show("leaving");
  run();
};

const leave = () => {
  turn++;
  cutShort();
  show("leaving");
  // In place of this page: going back must not come to a page whose address holds the token.
  location.replace(visit.url);
};

const tick = () => {
  if (screen === "ready" && leaveIn) {
    // Nobody sees a page that is hidden: the notice begins when they do.
    leaveIn = document.hidden ? NOTICE : leaveIn - 1;
    if (!leaveIn) return go();
  }
  // What changes by itself changes slowly elsewhere, and an old phone is spared.
  if (/ready|busy|leaving/.test(screen) || ++ticks % 10 === 0) render();
};
