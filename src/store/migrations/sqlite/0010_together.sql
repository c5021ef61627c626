-- The values of an object that has few stand in one row: the first in `kind` and `value`, the others behind it
-- here, each as its kind (a byte), the length of its text (four bytes, the lowest first) and the text.
ALTER TABLE atom ADD COLUMN more BLOB;
