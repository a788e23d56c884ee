// For browsers that do not understand the next script: they show the advice in its place.
window.onerror = function () {
  document.getElementById("help").hidden = false;
};
