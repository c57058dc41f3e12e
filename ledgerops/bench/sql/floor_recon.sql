-- The least that reconciles: both sides with what they match by, and who was matched with whom.
CREATE TABLE IF NOT EXISTS left_line (id bigint PRIMARY KEY, key text NOT NULL, amount bigint NOT NULL, day date NOT NULL);
CREATE TABLE IF NOT EXISTS right_line (id bigint PRIMARY KEY, key text NOT NULL, amount bigint NOT NULL, day date NOT NULL);
CREATE TABLE IF NOT EXISTS pair (left_id bigint PRIMARY KEY, right_id bigint NOT NULL UNIQUE);
TRUNCATE left_line, right_line, pair;
