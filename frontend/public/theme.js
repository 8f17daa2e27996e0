// Runs before the first paint so that a light-theme user never sees a dark flash. Must agree with src/app/main.tsx.
(function () {
  var saved = null;
  try {
    saved = localStorage.getItem("weft.scheme");
  } catch (_) {
    // Storage may be blocked; the system's choice is used.
  }
  var light = saved === "light" || (saved !== "dark" && matchMedia("(prefers-color-scheme: light)").matches);
  document.documentElement.setAttribute("data-mantine-color-scheme", light ? "light" : "dark");
})();
