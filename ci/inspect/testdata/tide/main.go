package main

import (
	"example.com/sea"
	"example.com/tide/moon.phase"
)

func main() { println(moon.Full(), sea.Level()) }
