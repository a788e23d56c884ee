// Whose clinic it is: its name, number, colour and logo. They come once, and stay on the phone under their tag; a join says
// only the tag.
let clinic = null;
let clinicLoaded = Promise.resolve();

const keptClinic = tag => {
  try {
    const before = JSON.parse(kept("clinic"));
    return before && before.tag === tag ? before : null;
  } catch (_) {
    return null;
  }
};

const showClinic = found => {
  clinic = found;
  // Nothing but a colour gets in, however an answer looks.
  if (/^#[\da-f]{6}$/.test(clinic.color)) document.documentElement.style.setProperty("--brand", clinic.color);
  const logo = $("logo");
  while (logo.firstChild) logo.removeChild(logo.firstChild);
  if (/^data:image\/(png|jpeg);base64,/.test(clinic.logo)) {
    const picture = new Image();
    // What it shows is said by the name beside it.
    picture.alt = "";
    picture.src = clinic.logo;
    logo.appendChild(picture);
  }
  render();
};

// With a tag: what is known under it, or what the server says now. Without: for links that open nothing, so that their
// holders know whom to call.
const loadClinic = async tag => {
  if (clinic && (!tag || clinic.tag === tag)) return;
  const before = tag && keptClinic(tag);
  if (before) return showClinic(before);
  if (!token && !code) return;
  const answer = await ask("POST", BASE + "/clinic", 30, token ? { token } : { code });
  if (answer.status !== 200) return;
  kept("clinic", JSON.stringify(answer.body));
  showClinic(answer.body);
};

const renderClinic = () => {
  const { name, phone } = clinic || {};
  put("whose", name);
  $("call").hidden = !phone;
  if (!phone) return;
  $("call").href = "tel:" + phone;
  // A number is read from left to right in every language.
  put("call", fill(words.call, { n: "\u2066" + phone + "\u2069" }));
};
