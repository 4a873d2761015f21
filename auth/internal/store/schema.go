package store

import "zombiezen.com/go/sqlite/sqlitemigration"

// schema is applied in order. A released migration is never edited: later ones follow. All times
// are milliseconds since 1970. All secrets are SHA-256 hashes, except codes that people type,
// which are short and so need a key (HMAC), and queued mails, which are encrypted.
var schema = sqlitemigration.Schema{
	AppID:      0x6c6d7a61, // "lmza"
	Migrations: []string{schemaFirst, schemaSessions, schemaBounds, schemaRanks, schemaWithheld},
}

const schemaFirst = `
CREATE TABLE Subjects (
	sub               TEXT PRIMARY KEY,
	email             TEXT NOT NULL UNIQUE,
	emailVerified     INTEGER NOT NULL DEFAULT 0,
	adminApproved     INTEGER NOT NULL DEFAULT 0,
	isAdmin           INTEGER NOT NULL DEFAULT 0,
	approvalRevokedAt INTEGER,
	createdAt         INTEGER NOT NULL,
	lastLoginAt       INTEGER
) STRICT;

CREATE TABLE MagicLinks (
	tokenHash     TEXT PRIMARY KEY,
	email         TEXT NOT NULL,
	createdAt     INTEGER NOT NULL,
	expiresAt     INTEGER NOT NULL,
	-- Set when a terminal asked:
	codeChallenge TEXT,
	redirectUri   TEXT,
	state         TEXT,
	clientName    TEXT,
	hostname      TEXT
) STRICT;
CREATE INDEX MagicLinksByEmail ON MagicLinks (email, createdAt);

CREATE TABLE CliCodes (
	codeHash      TEXT PRIMARY KEY,
	subjectId     TEXT NOT NULL REFERENCES Subjects (sub) ON DELETE CASCADE,
	codeChallenge TEXT NOT NULL,
	redirectUri   TEXT NOT NULL,
	expiresAt     INTEGER NOT NULL
) STRICT;
CREATE INDEX CliCodesBySubject ON CliCodes (subjectId);

-- A family is one session: the tokens that follow from one sign-in.
CREATE TABLE RefreshTokens (
	tokenHash  TEXT PRIMARY KEY,
	familyId   TEXT NOT NULL,
	parentHash TEXT,
	subjectId  TEXT NOT NULL REFERENCES Subjects (sub) ON DELETE CASCADE,
	createdAt  INTEGER NOT NULL,
	expiresAt  INTEGER NOT NULL,
	rotatedAt  INTEGER,
	revoked    INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX RefreshTokensByFamily  ON RefreshTokens (familyId);
CREATE INDEX RefreshTokensBySubject ON RefreshTokens (subjectId);
CREATE INDEX RefreshTokensByExpiry  ON RefreshTokens (expiresAt);
`

const schemaSessions = `
-- When the admins were last told that this subject waits for approval.
ALTER TABLE Subjects ADD COLUMN notifiedAt INTEGER;

-- Where the link was asked for, and what it does besides signing in a browser.
ALTER TABLE MagicLinks ADD COLUMN ip TEXT NOT NULL DEFAULT '';
ALTER TABLE MagicLinks ADD COLUMN deviceHash TEXT;
ALTER TABLE MagicLinks ADD COLUMN endsSession TEXT;

ALTER TABLE CliCodes ADD COLUMN label TEXT NOT NULL DEFAULT '';

CREATE TABLE InviteTokens (
	tokenHash TEXT PRIMARY KEY,
	email     TEXT NOT NULL,
	createdAt INTEGER NOT NULL,
	expiresAt INTEGER NOT NULL
) STRICT;
CREATE INDEX InviteTokensByEmail ON InviteTokens (email);

CREATE TABLE AuthorizedActors (
	principalSub TEXT NOT NULL REFERENCES Subjects (sub) ON DELETE CASCADE,
	actorSub     TEXT NOT NULL REFERENCES Subjects (sub) ON DELETE CASCADE,
	PRIMARY KEY (principalSub, actorSub)
) STRICT, WITHOUT ROWID;
CREATE INDEX AuthorizedActorsByActor ON AuthorizedActors (actorSub);

-- A session that ended has no row: access tokens name theirs. Its refresh tokens
-- stay, revoked, to be told from unknown ones.
CREATE TABLE Sessions (
	id         TEXT PRIMARY KEY,
	subjectId  TEXT NOT NULL REFERENCES Subjects (sub) ON DELETE CASCADE,
	kind       TEXT NOT NULL,
	label      TEXT NOT NULL DEFAULT '',
	ip         TEXT NOT NULL DEFAULT '',
	agent      TEXT NOT NULL DEFAULT '',
	createdAt  INTEGER NOT NULL,
	lastUsedAt INTEGER NOT NULL,
	expiresAt  INTEGER NOT NULL
) STRICT;
CREATE INDEX SessionsBySubject ON Sessions (subjectId);
CREATE INDEX SessionsByExpiry  ON Sessions (expiresAt);
INSERT INTO Sessions (id, subjectId, kind, createdAt, lastUsedAt, expiresAt)
	SELECT familyId, subjectId, 'browser', min(createdAt), max(createdAt), max(expiresAt)
	FROM RefreshTokens WHERE revoked = 0 GROUP BY familyId, subjectId;

-- Sign-ins of terminals that poll (RFC 8628).
CREATE TABLE Devices (
	deviceHash  TEXT PRIMARY KEY,
	userCodeMac TEXT NOT NULL,
	email       TEXT NOT NULL,
	label       TEXT NOT NULL,
	state       TEXT NOT NULL DEFAULT 'pending', -- approved, denied
	subjectId   TEXT REFERENCES Subjects (sub) ON DELETE CASCADE,
	tries       INTEGER NOT NULL DEFAULT 0,
	interval    INTEGER NOT NULL,
	polledAt    INTEGER,
	expiresAt   INTEGER NOT NULL
) STRICT;

CREATE TABLE NamedTokens (
	id         TEXT PRIMARY KEY,
	tokenHash  TEXT NOT NULL UNIQUE,
	subjectId  TEXT NOT NULL REFERENCES Subjects (sub) ON DELETE CASCADE,
	name       TEXT NOT NULL,
	isAdmin    INTEGER NOT NULL,
	createdAt  INTEGER NOT NULL,
	expiresAt  INTEGER NOT NULL,
	lastUsedAt INTEGER
) STRICT;
CREATE INDEX NamedTokensBySubject ON NamedTokens (subjectId);

-- Mails that wait to be sent.
CREATE TABLE Outbox (
	id        INTEGER PRIMARY KEY AUTOINCREMENT,
	sealed    BLOB NOT NULL,
	attempts  INTEGER NOT NULL DEFAULT 0,
	dueAt     INTEGER NOT NULL,
	expiresAt INTEGER NOT NULL
) STRICT;
CREATE INDEX OutboxByDue ON Outbox (dueAt);

CREATE TABLE Audit (
	id        INTEGER PRIMARY KEY AUTOINCREMENT,
	at        INTEGER NOT NULL,
	event     TEXT NOT NULL,
	outcome   TEXT NOT NULL,
	actor     TEXT NOT NULL DEFAULT '',
	target    TEXT NOT NULL DEFAULT '',
	email     TEXT NOT NULL DEFAULT '',
	ip        TEXT NOT NULL DEFAULT '',
	agent     TEXT NOT NULL DEFAULT '',
	requestId TEXT NOT NULL DEFAULT '',
	detail    TEXT NOT NULL DEFAULT '{}'
) STRICT;
CREATE INDEX AuditByEvent  ON Audit (event, id);
CREATE INDEX AuditByTarget ON Audit (target, id);
`

const schemaBounds = `
-- What all tokens of a family begin with, hashed: by it a token whose row is gone,
-- because it was replaced long ago, is known for what it is.
ALTER TABLE RefreshTokens ADD COLUMN familyHash TEXT;
CREATE INDEX RefreshTokensByFamilyHash ON RefreshTokens (familyHash);

DROP INDEX AuditByTarget;
CREATE INDEX AuditByTarget ON Audit (target, event, at);
`

const schemaRanks = `
-- What is sent first: see outbox.go.
ALTER TABLE Outbox ADD COLUMN rank INTEGER NOT NULL DEFAULT 0;
DROP INDEX OutboxByDue;
CREATE INDEX OutboxByRank ON Outbox (rank, dueAt);

-- A code that was tried stays until it expires, with the session that it led to.
ALTER TABLE CliCodes ADD COLUMN tried INTEGER NOT NULL DEFAULT 0;
ALTER TABLE CliCodes ADD COLUMN sessionId TEXT;
`

const schemaWithheld = `
-- Whose link and audit event go when a mail is withheld.
ALTER TABLE Outbox ADD COLUMN token TEXT NOT NULL DEFAULT '';
ALTER TABLE Outbox ADD COLUMN event INTEGER NOT NULL DEFAULT 0;

-- The network of ip, see siteOf: whether a subject has a session there is one look-up,
-- however many sessions there are. Sessions of before have none until they are used.
ALTER TABLE Sessions ADD COLUMN site TEXT NOT NULL DEFAULT '';
DROP INDEX SessionsBySubject;
CREATE INDEX SessionsBySubject ON Sessions (subjectId, site);
`
