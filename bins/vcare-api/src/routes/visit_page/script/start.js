// The beginning. Joining changes something, so the page waits for a person to press a button: previews and scanners
// press none.
const start = () => {
  const [, whole, short] = /^#(?:([\w-]+\.[\w-]+\.[\w-]+)|([0-9A-Za-z]{8,64}))/.exec(location.hash) || [];
  const before = history.state || {};
  token = whole || "";
  code = short || "";
  device = kept("device") || kept("device", Array.from(noise(16), byte => ("0" + byte.toString(16)).slice(-2)).join(""));
  visit.prefer = before.prefer;
  $("help").hidden = true;
  $("languages").hidden = $("main").hidden = false;
  for (const button of $("languages").children) {
    button.onclick = () => speak(kept("language", known(button.lang)) || known(button.lang));
  }
  screen = token || code ? "ask" : "bad";
  speak(kept("language") || (navigator.languages || [navigator.language]).map(known).filter(Boolean)[0]);
  // What the sender of the link knows of its reader.
  speakAs((/[?&]l=(\w+)/.exec(location.search) || [])[1]);
  const whose = before.clinic && keptClinic(before.clinic);
  if (whose) showClinic(whose);
  if (screen === "ask" && before.came) come();
  setInterval(tick, 1000);

  const line = navigator.connection;
  if (line && line.addEventListener) {
    line.addEventListener("change", () => { nextLook = Math.min(nextLook, lastLook + 3 * MINUTE); });
  }
  addEventListener("online", () => setTimeout(stir, Math.random() * 1500));
  addEventListener("offline", cutShort);
  document.addEventListener("visibilitychange", () => document.hidden || stir());
  addEventListener("pageshow", event => event.persisted && location.reload());
  // Another link in the same tab is another page.
  addEventListener("hashchange", () => location.reload());
};

start();
window.onerror = null;
