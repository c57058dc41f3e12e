-- Everybody's only candidate, as seen from both sides.
INSERT INTO pair (left_id, right_id)
SELECT l, r FROM (
    SELECT a.id AS l, b.id AS r, count(*) OVER (PARTITION BY a.id) AS of_left, count(*) OVER (PARTITION BY b.id) AS of_right
    FROM left_line a JOIN right_line b USING (key, amount) WHERE abs(a.day - b.day) <= 1) found
WHERE of_left = 1 AND of_right = 1
