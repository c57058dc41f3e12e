\set account 1
SELECT floor_post(gen_random_uuid()::text, :account, :account, 100);
