\set payer random(1, 10000)
\set payee random(1, 10000)
SELECT floor_post(gen_random_uuid()::text, :payer, :payee, 100);
