// Who comes later than planned, or not at all, says so here, before and after joining.
let untold = "";

// What is left of the delays that can be announced, as buttons.
const delays = () => [10, 20, 30]
  .filter(minutes => !visit.start || Date.parse(visit.start) + minutes * 60000 > now())
  .map(minutes => [fill(words.minutes, { n: minutes }), () => tellClinic("delay", { minutes })]);

const goBack = () => {
  untold = "";
  show(joined ? "wait" : "ask");
};

// An answer of the loop does not take this screen away from somebody who reads it.
const showWait = () => /late|sure|telling/.test(screen) || show("wait");

const tellClinic = async (what, body) => {
  const before = screen;
  untold = "";
  show("telling");
  const failed = await needToken();
  const answer = failed || await ask("POST", BASE + "/" + what, 30, Object.assign({ token }, body));
  if (screen !== "telling") return;
  const { status } = answer;
  // It has begun meanwhile: joining leads into it, or says how to go on.
  if (/active|failed/.test(answer.body.currentStatus)) return come();
  if (status === 401 || status === 409) {
    turn++;
    react(answer);
    return;
  }
  if (status !== 200) {
    untold = status === 400 ? words.passed : words.untold;
    return show(before);
  }
  visit.expected = Date.parse(answer.body.expectedAt);
  if (answer.body.sessionStatus !== "cancelled") return goBack();
  turn++;
  cutShort();
  loadClinic();
  show("cancelled");
};
