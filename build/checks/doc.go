// Package checks holds the tests about the code itself: who may import whom, which library has which door, that
// every package says what it is, that files stay small and that the gateway stays light.
package checks
