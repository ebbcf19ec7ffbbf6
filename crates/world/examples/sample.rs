//! Prints `docs/world.md`: the languages of the world side by side.

use tongues_world::{World, WorldConfig, sample_page};

fn main() -> Result<(), tongues_world::WorldError> {
    let world = World::new(WorldConfig::default())?;
    print!("{}", sample_page(&world)?);
    Ok(())
}
