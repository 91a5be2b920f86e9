//! What is kept: over crashes, damage, older formats, and for other programs to read.

mod attach;
mod backup;
mod bucket;
mod damage;
mod doctor;
mod fixture;
mod keys;
mod kill_nine;
mod ledger;
mod lifecycle;
mod retention;
