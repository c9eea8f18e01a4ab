package project

// CommitterTime is committerTime for the tests outside this package.
var CommitterTime = committerTime
