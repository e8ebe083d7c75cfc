package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
)

// maxDepth bounds nesting in a message: the contract has four levels.
const maxDepth = 16

// scanner reads JSON (RFC 8259) strictly and without building a tree: the hot path of intake reads each byte once
// and keeps numbers as they were written. It also knows NaN and the infinities, which are no JSON but what careless
// encoders send, so that one of them costs its own reading and not the whole message.
type scanner struct {
	b     []byte
	i     int
	depth int
}

// tokenKind is what stands at the scanner.
type tokenKind uint8

const (
	tokenBad tokenKind = iota
	tokenObject
	tokenArray
	tokenString
	tokenInt // without point and exponent
	tokenFloat
	tokenTrue
	tokenFalse
	tokenNull
	tokenNotFinite // NaN, Infinity, …
)

func (k tokenKind) String() string {
	return [...]string{"nothing", "an object", "an array", "a string", "an integer", "a number", "true", "false", "null", "a number that is not finite"}[k]
}

// syntaxError is where a message stops being JSON.
type syntaxError struct {
	at   int
	what string
}

func (e *syntaxError) Error() string { return fmt.Sprintf("%s at byte %d", e.what, e.at) }

func (s *scanner) bad(what string) error { return &syntaxError{s.i, what} }

func (s *scanner) space() {
	if s.i < len(s.b) && s.b[s.i] > ' ' {
		return
	}
	s.spaces()
}

func (s *scanner) spaces() {
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case ' ', '\t', '\n', '\r':
			s.i++
		default:
			return
		}
	}
}

// kind looks at the next token without taking it. For a number it cannot tell int from float yet.
func (s *scanner) kind() tokenKind {
	s.space()
	if s.i >= len(s.b) {
		return tokenBad
	}
	switch c := s.b[s.i]; c {
	case '{':
		return tokenObject
	case '[':
		return tokenArray
	case '"':
		return tokenString
	case '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return tokenInt
	case 't':
		return tokenTrue
	case 'f':
		return tokenFalse
	case 'n':
		if !s.has("nan") {
			return tokenNull
		}
		return tokenNotFinite
	case '-', '+', 'N', 'I', 'i':
		if s.notFinite() > 0 {
			return tokenNotFinite
		}
		if c == '-' {
			return tokenInt
		}
	}
	return tokenBad
}

func (s *scanner) has(word string) bool {
	return len(s.b)-s.i >= len(word) && string(s.b[s.i:s.i+len(word)]) == word
}

// notFinite is the length of a spelling of NaN or infinity here, 0 if there is none.
func (s *scanner) notFinite() int {
	at := s.i
	if s.b[at] == '-' || s.b[at] == '+' {
		at++
	}
	if at >= len(s.b) || (s.b[at] != 'N' && s.b[at] != 'n' && s.b[at] != 'I' && s.b[at] != 'i') {
		return 0
	}
	end := at
	for end < len(s.b) && s.b[end]|0x20 >= 'a' && s.b[end]|0x20 <= 'z' {
		end++
	}
	switch string(bytes.ToLower(s.b[at:end])) {
	case "nan", "inf", "infinity":
		return end - s.i
	}
	return 0
}

// object takes an object and calls field at each value, its key unescaped; field must take the value. The key is
// valid until field returns.
func (s *scanner) object(field func(key []byte) error) error {
	if s.kind() != tokenObject {
		return s.bad("no object")
	}
	if s.depth++; s.depth > maxDepth {
		return s.bad("nested too deep")
	}
	s.i++
	if s.kind(); s.i < len(s.b) && s.b[s.i] == '}' {
		s.i++
		s.depth--
		return nil
	}
	for {
		key, err := s.text()
		if err != nil {
			return err
		}
		if err := s.expect(':'); err != nil {
			return err
		}
		if err := field(key); err != nil {
			return err
		}
		if more, err := s.more('}'); err != nil || !more {
			return err
		}
	}
}

// array takes an array and calls item at each value; item must take it.
func (s *scanner) array(item func(i int) error) error {
	if s.kind() != tokenArray {
		return s.bad("no array")
	}
	if s.depth++; s.depth > maxDepth {
		return s.bad("nested too deep")
	}
	s.i++
	if s.space(); s.i < len(s.b) && s.b[s.i] == ']' {
		s.i++
		s.depth--
		return nil
	}
	for i := 0; ; i++ {
		if err := item(i); err != nil {
			return err
		}
		if more, err := s.more(']'); err != nil || !more {
			return err
		}
	}
}

// more takes a comma, or the end of an object or array.
func (s *scanner) more(end byte) (bool, error) {
	s.space()
	if s.i >= len(s.b) {
		return false, s.bad("unexpected end")
	}
	switch s.b[s.i] {
	case ',':
		s.i++
		return true, nil
	case end:
		s.i++
		s.depth--
		return false, nil
	}
	return false, s.bad("neither a comma nor an end")
}

func (s *scanner) expect(c byte) error {
	s.space()
	if s.i >= len(s.b) || s.b[s.i] != c {
		return s.bad("no " + strconv.QuoteRune(rune(c)))
	}
	s.i++
	return nil
}

// text takes a string. Without escapes the bytes are those of the message; they are not to be changed.
func (s *scanner) text() ([]byte, error) {
	if s.space(); !s.at('"') {
		return nil, s.bad("no string")
	}
	b, start := s.b, s.i
	for i := start + 1; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			s.i = i + 1
			return b[start+1 : i], nil
		case c == '\\':
			s.i = i
			return s.escaped(start)
		case c < 0x20:
			s.i = i
			return nil, s.bad("a control character in a string")
		}
	}
	s.i = len(b)
	return nil, s.bad("a string without end")
}

// escaped takes a string with escapes, the scanner standing at the first of them.
func (s *scanner) escaped(start int) ([]byte, error) {
	for s.i < len(s.b) && s.b[s.i] != '"' {
		if s.b[s.i] == '\\' {
			s.i++
		}
		s.i++
	}
	if s.i >= len(s.b) {
		return nil, s.bad("a string without end")
	}
	s.i++
	var out string
	if err := json.Unmarshal(s.b[start:s.i], &out); err != nil {
		return nil, &syntaxError{start, "a string that is none"}
	}
	return []byte(out), nil
}

// number takes a number and says whether it was written as an integer.
func (s *scanner) number() (text []byte, integer bool, err error) {
	s.space()
	start := s.i
	if s.at('-') {
		s.i++
	}
	switch {
	case s.at('0'):
		s.i++
	case !s.digits():
		return nil, false, s.bad("no number")
	}
	integer = true
	if s.at('.') {
		s.i++
		integer = false
		if !s.digits() {
			return nil, false, s.bad("no digit after the point")
		}
	}
	if s.at('e') || s.at('E') {
		s.i++
		integer = false
		if s.at('+') || s.at('-') {
			s.i++
		}
		if !s.digits() {
			return nil, false, s.bad("no digit in the exponent")
		}
	}
	return s.b[start:s.i], integer, nil
}

// parseInt is the number written in text, if it is an integer that fits.
func parseInt(text []byte) (int64, bool) {
	const always = 18 // digits that fit whatever they are
	digits := text
	if len(text) > 0 && text[0] == '-' {
		digits = text[1:]
	}
	if len(digits) > always {
		n, err := strconv.ParseInt(string(text), 10, 64)
		return n, err == nil
	}
	var n int64
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	if len(digits) < len(text) {
		n = -n
	}
	return n, len(digits) > 0
}

// parseFloat is the nearest float64 to the number written in text, if there is a finite one.
func parseFloat(text []byte) (float64, bool) {
	f, err := strconv.ParseFloat(string(text), 64)
	return f, err == nil
}

func (s *scanner) at(c byte) bool { return s.i < len(s.b) && s.b[s.i] == c }

func (s *scanner) digits() bool {
	i := s.i
	for i < len(s.b) && s.b[i]-'0' <= 9 {
		i++
	}
	some := i > s.i
	s.i = i
	return some
}

// word takes true, false, null or a spelling of what is not finite.
func (s *scanner) word() error {
	for _, w := range [...]string{"true", "false", "null"} {
		if s.has(w) {
			s.i += len(w)
			return nil
		}
	}
	if n := s.notFinite(); n > 0 {
		s.i += n
		return nil
	}
	return s.bad("no value")
}

// skip takes a value of any kind and says which it was.
func (s *scanner) skip() (tokenKind, error) {
	k := s.kind()
	var err error
	switch k {
	case tokenObject:
		err = s.object(func([]byte) error { return s.skipStrict() })
	case tokenArray:
		err = s.array(func(int) error { return s.skipStrict() })
	case tokenString:
		_, err = s.text()
	case tokenInt, tokenFloat:
		var integer bool
		if _, integer, err = s.number(); !integer {
			k = tokenFloat
		}
	case tokenTrue, tokenFalse, tokenNull, tokenNotFinite:
		err = s.word()
	case tokenBad:
		err = s.bad("no value")
	}
	return k, err
}

func (s *scanner) skipStrict() error {
	k, err := s.skip()
	if k == tokenNotFinite {
		return s.bad("a number that is not finite")
	}
	return err
}

// end says what stands after the message, if anything does.
func (s *scanner) end() error {
	if s.space(); s.i < len(s.b) {
		return s.bad("something after the message")
	}
	return nil
}
