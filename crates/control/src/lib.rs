//! What people configured: keys, and who may do what. Secrets live here and never in the catalogue.
