//! Words beside addresses, versions and the numbers of sections, in lower case, in several languages.

mod place;
mod section;
mod version;

pub(super) use place::{
    ADDRESSED, ADDRESSED_PARTS, ADDRESSED_STARTS, ADDRESSES, COMPOUNDS, COPULAS, DIRECTIONS, GOING_STARTS,
    JOINTS, MACHINES, PHONES, SEEING, TARGETS,
};
pub(super) use section::{NUMBERED, SECTION_SIGNS};
pub(super) use version::{
    GOING, LATER, LINKS, RELEASES, RUNS, STARTS, TOWARDS, UPDATES, VERSIONED, VERSIONS,
};
