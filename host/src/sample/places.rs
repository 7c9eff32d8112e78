//! Brazil in small: states with their shares of customers and sellers, cities with a range of postcode prefixes and a point.
//!
//! Cities are written with their accents; [`plain`] takes them off. Postcode ranges and points are approximate on purpose.

use super::rng::Rng;

#[derive(Debug)]
pub(super) struct State {
    pub(super) code: &'static str,
    /// Customers per 10,000.
    customers: u32,
    /// Sellers per 10,000.
    sellers: u32,
    cities: &'static [City],
}

#[derive(Debug)]
pub(super) struct City {
    pub(super) name: &'static str,
    /// The first postcode prefix, and how many there are.
    prefix: u32,
    prefixes: u32,
    pub(super) lat: f64,
    pub(super) lng: f64,
    /// Its share of the state.
    weight: u32,
}

const fn city(name: &'static str, prefix: u32, prefixes: u32, lat: f64, lng: f64, weight: u32) -> City {
    City { name, prefix, prefixes, lat, lng, weight }
}

const fn state(code: &'static str, customers: u32, sellers: u32, cities: &'static [City]) -> State {
    State { code, customers, sellers, cities }
}

pub(super) static STATES: [State; 27] = [
    state(
        "SP",
        4_210,
        5_970,
        &[
            city("são paulo", 1_001, 4_900, -23.55, -46.63, 380),
            city("guarulhos", 7_010, 280, -23.46, -46.53, 30),
            city("campinas", 13_010, 130, -22.91, -47.06, 36),
            city("são bernardo do campo", 9_600, 290, -23.69, -46.56, 24),
            city("santo andré", 9_010, 280, -23.66, -46.53, 20),
            city("osasco", 6_010, 290, -23.53, -46.79, 19),
            city("são josé dos campos", 12_210, 40, -23.18, -45.88, 18),
            city("sorocaba", 18_010, 90, -23.50, -47.46, 16),
            city("jundiaí", 13_201, 20, -23.19, -46.88, 14),
            city("ribeirão preto", 14_010, 90, -21.18, -47.81, 13),
            city("santos", 11_010, 90, -23.96, -46.33, 12),
            city("mogi das cruzes", 8_700, 120, -23.52, -46.19, 10),
            city("piracicaba", 13_400, 30, -22.73, -47.65, 9),
            city("bauru", 17_010, 55, -22.31, -49.06, 8),
            city("são josé do rio preto", 15_010, 90, -20.82, -49.38, 9),
            city("santa bárbara d'oeste", 13_450, 9, -22.75, -47.41, 4),
            city("taubaté", 12_010, 90, -23.03, -45.56, 5),
            city("ibitinga", 14_940, 4, -21.76, -48.83, 3),
        ],
    ),
    state(
        "RJ",
        1_300,
        550,
        &[
            city("rio de janeiro", 20_010, 3_780, -22.91, -43.20, 520),
            city("niterói", 24_010, 380, -22.88, -43.10, 65),
            city("são gonçalo", 24_400, 350, -22.83, -43.05, 32),
            city("nova iguaçu", 26_010, 250, -22.76, -43.45, 26),
            city("duque de caxias", 25_010, 250, -22.79, -43.31, 22),
            city("petrópolis", 25_600, 120, -22.51, -43.18, 15),
            city("volta redonda", 27_210, 80, -22.52, -44.10, 12),
            city("campos dos goytacazes", 28_010, 90, -21.75, -41.33, 10),
        ],
    ),
    state(
        "MG",
        1_170,
        790,
        &[
            city("belo horizonte", 30_110, 1_850, -19.92, -43.94, 240),
            city("contagem", 32_010, 330, -19.93, -44.05, 36),
            city("uberlândia", 38_400, 14, -18.92, -48.28, 30),
            city("juiz de fora", 36_010, 90, -21.76, -43.35, 28),
            city("montes claros", 39_400, 9, -16.73, -43.86, 14),
            city("betim", 32_600, 90, -19.97, -44.20, 13),
            city("uberaba", 38_010, 90, -19.75, -47.93, 13),
            city("poços de caldas", 37_700, 14, -21.79, -46.56, 9),
            city("ituiutaba", 38_300, 8, -18.97, -49.46, 4),
        ],
    ),
    state(
        "RS",
        550,
        410,
        &[
            city("porto alegre", 90_010, 1_900, -30.03, -51.22, 140),
            city("caxias do sul", 95_010, 110, -29.17, -51.18, 26),
            city("canoas", 92_010, 470, -29.92, -51.18, 20),
            city("pelotas", 96_010, 90, -31.77, -52.34, 17),
            city("novo hamburgo", 93_300, 230, -29.69, -51.13, 14),
            city("santa maria", 97_010, 100, -29.69, -53.81, 16),
        ],
    ),
    state(
        "PR",
        510,
        1_130,
        &[
            city("curitiba", 80_010, 2_500, -25.43, -49.27, 150),
            city("londrina", 86_010, 80, -23.31, -51.16, 30),
            city("maringá", 87_010, 90, -23.42, -51.94, 25),
            city("ponta grossa", 84_010, 90, -25.09, -50.16, 14),
            city("cascavel", 85_801, 19, -24.96, -53.46, 13),
            city("são josé dos pinhais", 83_005, 180, -25.54, -49.21, 13),
            city("araucária", 83_701, 25, -25.59, -49.41, 6),
        ],
    ),
    state(
        "SC",
        370,
        610,
        &[
            city("florianópolis", 88_010, 80, -27.60, -48.55, 58),
            city("joinville", 89_201, 38, -26.30, -48.85, 36),
            city("blumenau", 89_010, 80, -26.92, -49.07, 24),
            city("são josé", 88_101, 22, -27.61, -48.63, 18),
            city("criciúma", 88_801, 18, -28.68, -49.37, 12),
            city("balneário camboriú", 88_330, 9, -26.99, -48.63, 14),
        ],
    ),
    state(
        "BA",
        340,
        60,
        &[
            city("salvador", 40_010, 1_900, -12.97, -38.50, 130),
            city("feira de santana", 44_001, 99, -12.27, -38.97, 18),
            city("lauro de freitas", 42_700, 30, -12.89, -38.32, 16),
            city("vitória da conquista", 45_000, 99, -14.86, -40.84, 12),
            city("ilhéus", 45_650, 14, -14.79, -39.05, 7),
            city("camaçari", 42_800, 25, -12.70, -38.32, 9),
        ],
    ),
    state(
        "ES",
        200,
        70,
        &[
            city("vila velha", 29_100, 35, -20.33, -40.29, 40),
            city("vitória", 29_010, 80, -20.32, -40.34, 38),
            city("serra", 29_160, 20, -20.13, -40.31, 30),
            city("cachoeiro de itapemirim", 29_300, 25, -20.85, -41.11, 12),
        ],
    ),
    state(
        "GO",
        200,
        130,
        &[
            city("goiânia", 74_010, 880, -16.69, -49.26, 100),
            city("aparecida de goiânia", 74_900, 90, -16.82, -49.25, 18),
            city("anápolis", 75_010, 120, -16.33, -48.95, 16),
            city("rio verde", 75_901, 14, -17.80, -50.93, 8),
        ],
    ),
    state("DF", 200, 100, &[city("brasília", 70_040, 2_700, -15.79, -47.88, 190), city("taguatinga", 72_010, 130, -15.84, -48.06, 6)]),
    state(
        "PE",
        166,
        30,
        &[
            city("recife", 50_010, 2_000, -8.05, -34.90, 60),
            city("jaboatão dos guararapes", 54_080, 400, -8.11, -35.02, 16),
            city("olinda", 53_010, 400, -8.01, -34.86, 11),
            city("caruaru", 55_002, 40, -8.28, -35.98, 8),
        ],
    ),
    state("CE", 134, 40, &[city("fortaleza", 60_010, 1_850, -3.73, -38.53, 66), city("juazeiro do norte", 63_010, 40, -7.21, -39.32, 6)]),
    state("PA", 98, 1, &[city("belém", 66_010, 830, -1.46, -48.50, 45), city("ananindeua", 67_010, 190, -1.37, -48.37, 10)]),
    state("MT", 91, 13, &[city("cuiabá", 78_005, 105, -15.60, -56.10, 40), city("rondonópolis", 78_700, 50, -16.47, -54.64, 11)]),
    state("MA", 75, 3, &[city("são luís", 65_010, 90, -2.53, -44.30, 44), city("imperatriz", 65_900, 19, -5.53, -47.48, 10)]),
    state("MS", 72, 16, &[city("campo grande", 79_002, 120, -20.44, -54.65, 45), city("dourados", 79_800, 40, -22.22, -54.81, 11)]),
    state("PB", 54, 19, &[city("joão pessoa", 58_010, 90, -7.12, -34.86, 33), city("campina grande", 58_400, 40, -7.23, -35.88, 10)]),
    state("PI", 50, 3, &[city("teresina", 64_001, 95, -5.09, -42.80, 30), city("parnaíba", 64_200, 18, -2.90, -41.78, 5)]),
    state("RN", 49, 16, &[city("natal", 59_010, 120, -5.79, -35.21, 30), city("mossoró", 59_600, 48, -5.19, -37.34, 8)]),
    state("AL", 42, 1, &[city("maceió", 57_010, 80, -9.67, -35.74, 28), city("arapiraca", 57_300, 18, -9.75, -36.66, 6)]),
    state("SE", 35, 6, &[city("aracaju", 49_010, 90, -10.91, -37.07, 25), city("lagarto", 49_400, 3, -10.92, -37.65, 3)]),
    state("TO", 28, 1, &[city("palmas", 77_001, 50, -10.18, -48.33, 14), city("araguaína", 77_800, 25, -7.19, -48.21, 6)]),
    state("RO", 25, 5, &[city("porto velho", 76_801, 33, -8.76, -63.90, 15), city("ji-paraná", 76_900, 14, -10.88, -61.95, 6)]),
    state("AM", 15, 8, &[city("manaus", 69_005, 90, -3.10, -60.02, 15)]),
    state("AC", 8, 3, &[city("rio branco", 69_900, 20, -9.97, -67.81, 7)]),
    state("AP", 7, 1, &[city("macapá", 68_900, 14, 0.03, -51.07, 6)]),
    state("RR", 5, 1, &[city("boa vista", 69_301, 18, 2.82, -60.67, 5)]),
];

/// Seller cities as people typed them: with the state, a postcode, an address, a shortcut.
pub(super) const TYPED_CITIES: [&str; 10] = [
    "sao paulo / sao paulo",
    "sp / sp",
    "campinas - sp",
    "05407002",
    "contato@lojadoexemplo.com.br",
    "curitiba, parana, brasil",
    "rio de janeiro \\rio de janeiro",
    "s jose do rio preto",
    "santa barbara d´oeste",
    "porto alegre (zona norte)",
];

/// A place that a row names.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) state: &'static State,
    pub(super) city: &'static City,
    pub(super) prefix: u32,
}

pub(super) fn of_customer(rng: &mut Rng) -> Place {
    within(rng.weighted(&STATES, |state| state.customers), rng)
}

pub(super) fn of_seller(rng: &mut Rng) -> Place {
    within(rng.weighted(&STATES, |state| state.sellers), rng)
}

fn within(state: &'static State, rng: &mut Rng) -> Place {
    let city = rng.weighted(state.cities, |city| city.weight);
    // The middle of a city is busier than its edge: the lower of two draws.
    let nth = rng.below(u64::from(city.prefixes)).min(rng.below(u64::from(city.prefixes)));
    Place { state, city, prefix: city.prefix + nth as u32 }
}

/// Writes `name` into `to` without its accents.
pub(super) fn plain(name: &str, to: &mut String) {
    to.clear();
    to.extend(name.chars().map(|letter| match letter {
        'á' | 'à' | 'â' | 'ã' => 'a',
        'é' | 'ê' => 'e',
        'í' => 'i',
        'ó' | 'ô' | 'õ' => 'o',
        'ú' | 'ü' => 'u',
        'ç' => 'c',
        other => other,
    }));
}

#[cfg(test)]
mod tests {
    use super::{STATES, plain};

    #[test]
    fn names_lose_their_accents_and_nothing_else() {
        let mut text = String::new();
        for city in STATES.iter().flat_map(|state| state.cities) {
            plain(city.name, &mut text);
            assert!(text.is_ascii(), "{text}");
            assert_eq!(text.chars().count(), city.name.chars().count());
        }
    }

    #[test]
    fn every_city_lies_in_brazil_and_has_five_digit_prefixes() {
        for city in STATES.iter().flat_map(|state| state.cities) {
            assert!((-33.8..=5.3).contains(&city.lat) && (-74.0..=-34.7).contains(&city.lng), "{}", city.name);
            assert!(city.prefix + city.prefixes <= 99_999, "{}", city.name);
        }
    }

    #[test]
    fn shares_of_the_states_add_up() {
        let customers: u32 = STATES.iter().map(|state| state.customers).sum();
        let sellers: u32 = STATES.iter().map(|state| state.sellers).sum();
        assert!((9_900..=10_100).contains(&customers), "{customers}");
        assert!((9_900..=10_100).contains(&sellers), "{sellers}");
    }
}
