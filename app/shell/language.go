package shell

import "strings"

// FixLanguage gives the webview a language that scripts can use: under LANG=C (the default of containers, kiosks and
// services) WebKitGTK reports the language "C", which Intl refuses. It must run before anything of GTK does.
func FixLanguage(get func(string) string, set func(string, string) error) {
	for _, name := range []string{"LC_ALL", "LANG"} {
		v := get(name)
		base, _, _ := strings.Cut(v, ".")
		plain := base == "C" || base == "POSIX"
		if (name == "LANG" && v == "") || plain {
			// Nothing can be done about a refusal, and the page guards itself as well.
			_ = set(name, "en_US.UTF-8")
		}
	}
}
