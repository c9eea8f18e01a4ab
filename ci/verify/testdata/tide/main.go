// Command tide is what the tests publish.
package main

import "example.com/moon"

func main() { println("06:12", moon.Phase) }
