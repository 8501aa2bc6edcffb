mod addresses;
mod policy;
mod urls;
