// Package sqldb is an SQLite connection as the stores of objects use it: one transaction that
// several turns share, with a savepoint for each, and the SQL of the object's own code in it,
// which must neither end the transaction nor leave the file. SQLite itself knows neither
// turns nor whose a statement is.
package sqldb
