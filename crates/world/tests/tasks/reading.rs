//! What a text says, read from its words alone: shared by tests.

use tongues_world::{Aspect, Item, Role, Split, Task, Text, Token, World, WorldConfig};

/// One clause.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Told {
    pub piece: u16,
    pub clause: u8,
    pub verb: u16,
    pub subject: u16,
    pub object: Option<u16>,
    pub recipient: Option<u16>,
    pub place: Option<u16>,
    pub negated: bool,
    pub question: bool,
    /// Lexemes of the words of a number.
    pub number: Vec<u16>,
    /// The gloss of the word that says the tense.
    pub tense: String,
}

/// The clauses of a text in the order they are told.
pub fn told(text: &Text) -> Vec<Told> {
    let mut all: Vec<Told> = Vec::new();
    for token in &text.tokens {
        for atom in token.atoms.iter().filter(|atom| atom.role != Role::Loose) {
            let at = all.iter().position(|told| (told.piece, told.clause) == (atom.piece, atom.clause));
            let at = at.unwrap_or_else(|| {
                all.push(Told { piece: atom.piece, clause: atom.clause, ..Told::default() });
                all.len() - 1
            });
            tell(&mut all[at], token, atom.role, atom.aspect);
        }
    }
    all.sort();
    all
}

fn tell(told: &mut Told, token: &Token, role: Role, aspect: Aspect) {
    let lexeme = token.lexeme.unwrap_or_default();
    match (role, aspect) {
        (Role::Clause, Aspect::Head) => told.verb = lexeme,
        (Role::Subject, Aspect::Head) => told.subject = lexeme,
        (Role::Object, Aspect::Head) => told.object = Some(lexeme),
        (Role::Recipient, Aspect::Head) => told.recipient = Some(lexeme),
        (Role::Place, Aspect::Head) => told.place = Some(lexeme),
        (Role::Clause, Aspect::Negation) => told.negated = true,
        (Role::Clause, Aspect::Question) => told.question = true,
        (Role::Clause, Aspect::Tense) => told.tense = token.gloss.clone(),
        (Role::Object, Aspect::Numeral(_)) => told.number.push(lexeme),
        _ => {}
    }
}

/// The text of a field.
pub fn field<'a>(item: &'a Item, name: &str) -> &'a Text {
    &item.field(name).unwrap().text
}

/// As many items as every task has in the split.
pub fn few(task: Task, split: Split, count: usize) -> usize {
    match (task, split) {
        (Task::FactQa, Split::Train) => count.min(320),
        (Task::FactQa, _) => count.min(40),
        _ => count,
    }
}

/// The world of these tests.
pub fn world() -> World {
    World::new(WorldConfig { seed: 7, ..WorldConfig::default() }).unwrap()
}
