// Languages. What a person chose is kept. Else a phone that speaks Dari or Pashto is believed; English is what many are
// sold with, so there the language that the link was made for goes before it, and then the clinic's.
const LANGUAGES = { fa: "fa-AF", ps: "ps", en: "en" };
let language = "en";
let words = WORDS.en;

// Digits as they are written in Afghanistan, everywhere or nowhere.
const digits = text => (language === "en" ? text : text.replace(/\d/g, digit => String.fromCharCode(0x6f0 + +digit)));

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => digits(String(values[name])));

// Storage may be forbidden, or full.
const kept = (name, value) => {
  try {
    if (value) localStorage.setItem(name, value);
    return localStorage.getItem(name) || "";
  } catch (_) {
    return "";
  }
};

const known = tag => {
  const short = String(tag).slice(0, 2).toLowerCase();
  return WORDS[short] ? short : /^prs/i.test(tag) ? "fa" : "";
};

const speak = chosen => {
  language = chosen || "en";
  words = WORDS[language];
  document.documentElement.lang = LANGUAGES[language];
  document.documentElement.dir = language === "en" ? "ltr" : "rtl";
  for (const button of $("languages").children) {
    button.setAttribute("aria-pressed", button.lang === LANGUAGES[language]);
  }
  render();
};

const speakAs = tag => {
  const clinics = known(tag);
  if (clinics && clinics !== language && language === "en" && !kept("language")) speak(clinics);
};
