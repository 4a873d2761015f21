// Package sqldb wraps an SQLite connection for object stores: one transaction that several
// turns share, with a savepoint for each, and in it the SQL of the object's own code, which
// must neither end the transaction nor access other files. SQLite itself knows neither turns
// nor a statement's origin.
package sqldb
