// What is seen. `show` changes the screen; `render` writes only what is different, so that a screen reader speaks of
// changes and no more.
const $ = id => document.getElementById(id);
const visit = {};
let screen = "ask";
let since = 0;
// How to go on without a live link; `how` is the way that the person chose to read about.
let fallback = {};

const put = (id, text) => {
  if ($(id).textContent !== (text || "")) $(id).textContent = text || "";
};

const button = (id, choice) => {
  const [text, act] = choice || [];
  const gone = !act && document.activeElement === $(id);
  $(id).hidden = !act;
  $(id).onclick = act || null;
  put(id, text);
  // Who was on a button that goes must not be thrown to the top of the page.
  if (gone) $("title").focus();
};

const slowly = () => performance.now() - since > 8000 && words.slow;

const who = () => visit.provider && fill(words.who, { n: "\u2068" + visit.provider + "\u2069" });

const estimate = minutes => {
  const hours = Math.floor(minutes / 60);
  if (minutes > 60) return hours === 1 ? words.hour : fill(words.hours, { n: hours });
  return minutes === 1 ? words.about1 : fill(words.about, { n: minutes });
};

const expected = () => visit.expected > now() && fill(words.expected, { when: when(visit.expected, visit.zone) });

const waits = () => ({
  say: words.wait,
  place: visit.place && (visit.place === 1 ? words.next : fill(words.place, { n: visit.place })),
  opens: [visit.opens > now() && fill(words.opens, { when: when(visit.opens, visit.zone) }), expected()].filter(Boolean).join(" "),
  second: [words.late, () => show("late")],
  estimate: visit.about && estimate(visit.about),
  who: who(),
  more: words.stay,
  line: lineWords(),
  poorer: poorer(),
  better: better(),
});

const SCREENS = {
  ask: () => ({
    say: words.ask,
    more: expected(),
    first: [words.come, () => come()],
    second: [words.late, () => show("late")],
  }),
  late: () => {
    const [first, second, poorer] = delays();
    const back = [words.back, goBack];
    return { say: words.tell, more: untold, first, second, poorer, better: [words.cannot, () => show("sure")], back };
  },
  sure: () => ({
    say: words.sure,
    more: untold,
    first: [words.cancel, () => tellClinic("cancel", {})],
    back: [words.back, goBack],
  }),
  telling: () => ({ say: words.busy, more: slowly() }),
  busy: () => ({ say: words.busy, more: slowly() }),
  wait: waits,
  lost: () => ({ say: words.lost, first: [words.again, stir] }),
  down: () => ({ say: words.down, first: [words.again, stir] }),
  ready: () => ({
    say: words.ready,
    who: who(),
    more: leaveIn ? fill(words.count, { n: leaveIn }) : words.held,
    first: [words.go, go],
    second: leaveIn && [words.hold, hold],
  }),
  leaving: () => ({ say: words.leaving, more: slowly() }),
  other: () => ({
    say: words.other,
    first: [words.yes, () => come(true)],
    second: [words.no, () => show("stayed")],
  }),
  taken: () => ({ say: words.taken, first: [words.here, () => come(true)] }),
  failed: () => ({
    say: words.failed,
    line: fallback.how === "chatHow" && fallback.messagingThreadId,
    more: fallback.how && words[fallback.how],
    first: fallback.messagingThreadId && [words.chat, () => tell("chatHow")],
    second: fallback.continueAsync && [words.write, () => tell("writeHow")],
  }),
  stayed: () => ({ say: words.stayed, second: [words.here, () => come(true)] }),
};

const render = () => {
  const seen = (SCREENS[screen] || (() => ({ say: words[screen] })))();
  renderClinic();
  put("title", words.title);
  document.title = (screen === "ready" ? "● " : "") + words.title;
  for (const id of ["say", "place", "opens", "who", "line", "estimate", "more"]) put(id, seen[id]);
  for (const id of ["first", "second", "poorer", "better", "back"]) button(id, seen[id]);
  $("main").className = screen === "wait" ? "waits" : "";
  const clock = knows(visit.zone) ? words.clock : words.clockHere;
  put("clock", visit.zone && fill(clock, { n: hour(wall(now(), visit.zone)) }));
};

const tell = how => {
  fallback.how = how;
  render();
};

const show = next => {
  if (next !== screen) since = performance.now();
  screen = next;
  render();
};
