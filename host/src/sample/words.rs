//! The texts of the sample, all of them written for it: category names, review titles and phrases.

/// A product category: its name, its English name where the translation file has one, and its share of the products.
#[derive(Debug)]
pub(super) struct Category {
    pub(super) name: &'static str,
    pub(super) english: Option<&'static str>,
    pub(super) weight: u32,
}

const fn category(name: &'static str, english: &'static str, weight: u32) -> Category {
    Category { name, english: Some(english), weight }
}

const fn untranslated(name: &'static str, weight: u32) -> Category {
    Category { name, english: None, weight }
}

pub(super) static CATEGORIES: [Category; 42] = [
    category("roupa_de_cama_e_banho", "bed_and_bath_linen", 92),
    category("artigos_esportivos", "sporting_goods", 87),
    category("decoracao_da_casa", "home_decoration", 80),
    category("cuidados_pessoais", "personal_care", 74),
    category("utilidades_do_lar", "household_goods", 71),
    category("pecas_automotivas", "car_parts", 58),
    category("acessorios_de_computador", "computer_accessories", 50),
    category("brinquedos_infantis", "childrens_toys", 43),
    category("relogios_e_joias", "watches_and_jewellery", 41),
    category("telefones_celulares", "mobile_phones", 35),
    category("berco_e_bebe", "nursery_and_baby", 28),
    category("fragrancias", "fragrances", 26),
    category("bolsas_e_mochilas", "bags_and_backpacks", 26),
    category("artigos_de_papel", "paper_goods", 26),
    category("curiosidades", "curiosities", 24),
    category("jardinagem", "gardening", 23),
    category("animais_de_estimacao", "pets", 22),
    category("aparelhos_eletronicos", "electronic_devices", 16),
    category("ferramentas_manuais", "hand_tools", 13),
    category("moveis_de_escritorio", "office_desks_and_chairs", 10),
    category("moveis_de_sala", "living_room_seating", 9),
    category("moveis_de_quarto", "bedroom_pieces", 5),
    category("eletrodomesticos_pequenos", "small_appliances", 8),
    category("eletrodomesticos_grandes", "large_appliances", 6),
    category("jogos_e_consoles", "games_and_consoles", 10),
    category("instrumentos", "instruments", 9),
    category("livros_de_estudo", "study_books", 7),
    category("livros_de_ficcao", "fiction_books", 6),
    category("comidas", "groceries", 5),
    category("vinhos_e_bebidas", "wine_and_drinks", 4),
    category("material_de_construcao", "building_material", 12),
    category("iluminacao_interna", "indoor_lighting", 6),
    category("malas_de_viagem", "travel_cases", 10),
    category("calcados_masculinos", "mens_shoes", 5),
    category("vestuario_feminino", "womens_wear", 4),
    category("vestuario_masculino", "mens_wear", 4),
    category("artesanato", "handicraft", 3),
    category("festas_e_datas", "parties_and_holidays", 3),
    category("audio_e_som", "audio_and_sound", 5),
    untranslated("cozinha_portatil", 2),
    untranslated("montagem_de_pc", 2),
    untranslated("servicos_diversos", 1),
];

pub(super) const GOOD: [&str; 12] = [
    "Gostei muito da compra",
    "Chegou antes da data prometida",
    "Produto bem embalado e igual ao anúncio",
    "Ótimo custo, voltarei a comprar",
    "Atendeu ao que eu esperava",
    "Entrega rápida, loja atenciosa",
    "Material firme, acabamento caprichado",
    "Recomendo a loja aos amigos",
    "Presente aprovado pela família",
    "Tudo certo com o pedido",
    "Funciona direitinho",
    "Minha mãe adorou, obrigada",
];

pub(super) const FAIR: [&str; 8] = [
    "Produto razoável pelo preço",
    "Demorou, mas chegou inteiro",
    "A cor é um pouco diferente da foto",
    "Esperava um tamanho maior",
    "Veio sem manual, o resto está bem",
    "Serve, porém o acabamento é simples",
    "Um dos itens ainda não chegou",
    "A caixa veio amassada",
];

pub(super) const BAD: [&str; 10] = [
    "O prazo passou e nada foi entregue",
    "Veio outro modelo, quero trocar",
    "Parou de funcionar na primeira semana",
    "Ninguém responde as minhas mensagens",
    "Faltou uma peça na caixa",
    "Solicitei o cancelamento e sigo esperando",
    "Qualidade bem abaixo do anunciado",
    "Chegou quebrado, péssima embalagem",
    "Não compro mais nessa loja",
    "A transportadora perdeu o meu pacote",
];

pub(super) const GOOD_TITLES: [&str; 8] =
    ["Muito satisfeita", "Aprovado", "Excelente escolha", "Nota dez", "Compra tranquila", "Vale a pena ", "bom demais", "10"];

pub(super) const FAIR_TITLES: [&str; 4] = ["Mais ou menos", "Regular", "Pode melhorar", "Ok"];

pub(super) const BAD_TITLES: [&str; 6] = ["Não chegou", "Decepcionada", "Atraso", "Produto errado", "NÃO RECOMENDO", "Ruim "];

pub(super) const EMOJI: [&str; 6] = ["😀", "👏👏", "😡", "❤️", "👍🏽", "📦"];

/// What a customer puts in quotation marks.
pub(super) const QUOTED: [&str; 4] = ["\"entregue\"", "\"original\"", "\"em trânsito\"", "\"novo\""];
