// The reader's choice of theme, set before the page is painted. A classic script on purpose: a module would come late.
// Storage may be closed to us (private windows, blocked cookies): then the system decides.
try {
  const chosen = localStorage.getItem("theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {}
