/** The two buttons above every page that need a script: the menu on small screens, and the theme. */

const THEMES = /** @type {const} */ (["system", "light", "dark"]);

const menuButton = /** @type {HTMLButtonElement} */ (document.querySelector(".menu-button"));
const menu = /** @type {HTMLElement} */ (document.getElementById("menu"));
menuButton.hidden = false; // without a script the menu is always open, and the button never shows
menu.classList.add("is-folding");

/** @param {boolean} open */
function showMenu(open) {
  menuButton.setAttribute("aria-expanded", String(open));
  menu.classList.toggle("is-open", open);
}

menuButton.addEventListener("click", () => showMenu(menuButton.getAttribute("aria-expanded") !== "true"));
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || menuButton.getAttribute("aria-expanded") !== "true") return;
  showMenu(false);
  menuButton.focus();
});

const themeButton = /** @type {HTMLButtonElement} */ (document.querySelector(".theme-button"));
themeButton.hidden = false;

function currentTheme() {
  const chosen = document.documentElement.dataset.theme;
  return chosen === "light" || chosen === "dark" ? chosen : "system";
}

/** @param {typeof THEMES[number]} theme */
function showTheme(theme) {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  const { label, [theme]: name } = themeButton.dataset;
  themeButton.title = `${label}: ${name}`;
  themeButton.setAttribute("aria-label", `${label}: ${name}`);
}

showTheme(currentTheme());
themeButton.addEventListener("click", () => {
  const next = THEMES[(THEMES.indexOf(currentTheme()) + 1) % THEMES.length];
  showTheme(next);
  try {
    localStorage.setItem("theme", next);
  } catch {
    // Storage is closed to us: the choice lasts for this page.
  }
});
