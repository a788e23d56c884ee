// Time. Phones have wrong clocks: only the server's counts here, as its last answer told it.
const DAY = 86400000;
let ahead = 0;

const now = () => Date.now() + ahead;

const setClock = instant => {
  const at = Date.parse(instant);
  if (at) ahead = at - Date.now();
};

// A phone that does not know the clinic's zone shows its own, and says so.
const zones = {};
const knows = zone => {
  if (!(zone in zones)) {
    try {
      new Date().toLocaleString("en-US", { timeZone: zone });
      zones[zone] = true;
    } catch (_) {
      zones[zone] = false;
    }
  }
  return zones[zone];
};

// What a clock on the wall of that zone shows, as if it stood in UTC.
const wall = (at, zone) => {
  const part = "numeric";
  const wish = { hour12: false, year: part, month: part, day: part, hour: part, minute: part };
  if (knows(zone)) wish.timeZone = zone;
  const [month, day, year, hour, minute] = new Date(at).toLocaleString("en-US", wish).match(/\d+/g).map(Number);
  return new Date(Date.UTC(year, month - 1, day, hour % 24, minute));
};

const hour = there => {
  const hours = there.getUTCHours();
  const minutes = ("0" + there.getUTCMinutes()).slice(-2);
  return fill(hours < 12 ? words.am : words.pm, { n: (hours % 12 || 12) + ":" + minutes });
};

const when = (at, zone) => {
  const there = wall(at, zone);
  const days = Math.floor(there / DAY) - Math.floor(wall(now(), zone) / DAY);
  const weekday = words.weekdays.split(" ")[there.getUTCDay()];
  const day = days < 1 ? words.today : days < 2 ? words.tomorrow : fill(words.days, { weekday, n: days });
  return fill(words.when, { day, time: hour(there) });
};
