// Package moon is what the tide needs.
package moon

// Phase is a hundredth of the way around.
const Phase = "17"
