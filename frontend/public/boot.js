// Runs before everything else, because two things cannot wait for a module:
// a language Intl refuses ("C" in WebKitGTK under LANG=C) breaks libraries
// while they are imported, and a theme set late flashes.
(function () {
  try {
    new Intl.NumberFormat(navigator.language);
  } catch {
    Object.defineProperty(navigator, 'language', { value: 'en-US', configurable: true });
    Object.defineProperty(navigator, 'languages', { value: ['en-US'], configurable: true });
  }
  let theme = null;
  try {
    theme = localStorage.getItem('lineshaft.theme');
  } catch {
    // storage may be forbidden; then the system's choice stands
  }
  if (theme !== 'light' && theme !== 'dark') {
    theme = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
  }
  document.documentElement.dataset.theme = theme;
  document.documentElement.dataset.mantineColorScheme = theme;
})();
