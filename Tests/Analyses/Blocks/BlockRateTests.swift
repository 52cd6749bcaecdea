import Analyses
import Testing

/// How often `BlockDetector` finds what was planted, and what was not: the rates that
/// `Documentation/Numerics.md` states, for maps of fixed seeds.
@Suite struct BlockRateTests {
  private struct Rates: Equatable {
    /// Of planted blocks, those that a found one overlaps by half of both together.
    var hits = 0.0
    /// Of planted blocks, those found with both ends.
    var exact = 0.0
    /// Found blocks that hit none, a map.
    var extra = 0.0
  }

  private func rates(_ planted: PlantedMap, maps: Int = 100) throws -> Rates {
    var rates = Rates()
    let truth = planted.blocks
    for seed in 0..<maps {
      let detector = BlockDetector(permutations: 199, seed: UInt64(seed))
      let found = try detector.structure(of: planted.map(seed: UInt64(seed))).blocks.map(\.layers)
      let hits = truth.filter { block in
        found.contains { 2 * $0.clamped(to: block).count >= union($0, block) }
      }
      rates.hits += Double(hits.count)
      rates.exact += Double(truth.filter { found.contains($0) }.count)
      rates.extra += Double(found.count - hits.count)
    }
    let blocks = Double(max(truth.count, 1) * maps)
    return Rates(
      hits: rates.hits / blocks, exact: rates.exact / blocks, extra: rates.extra / Double(maps))
  }

  private func union(_ a: Range<Int>, _ b: Range<Int>) -> Int {
    a.count + b.count - a.clamped(to: b).count
  }

  private static func third(_ count: Int) -> Range<Int> {
    let size = max(4, (count * 35 + 50) / 100)
    return (count - size) / 2..<(count - size) / 2 + size
  }

  private static func two(_ count: Int) -> [Range<Int>] {
    [1..<1 + count / 4, count - 1 - count / 4..<count - 1]
  }

  /// At the level 0.05 chance finds a block in at most 5 of 100 maps of the null; 11 of 100 or more would
  /// then happen in 1 of 87 runs (binomial), and the seeds are fixed. The least contrast leaves fewer.
  @Test(arguments: PlantedMap.Ground.allCases, [10, 30, 60])
  func falseAlarms(ground: PlantedMap.Ground, count: Int) throws {
    let quiet = try rates(PlantedMap(ground: ground, count: count))
    let noisy = try rates(PlantedMap(ground: ground, count: count, noise: 0.1))
    print("no block, \(ground.rawValue), \(count) layers:", quiet.extra, noisy.extra)
    #expect(quiet.extra <= 0.1 && noisy.extra <= 0.1)
  }

  @Test(arguments: [PlantedMap.Ground.decay, .checkerboard], [10, 30, 60])
  func hits(ground: PlantedMap.Ground, count: Int) throws {
    let third = Self.third(count)
    let lifted = PlantedMap(ground: ground, count: count, blocks: [third], lift: 0.2)
    let level = PlantedMap(ground: ground, count: count, blocks: [third], level: 0.95)
    var start = level
    start.blocks = [0..<third.count]
    var end = level
    end.blocks = [count - third.count..<count]
    for (name, planted) in [("+0.2", lifted), ("0.95", level), ("start", start), ("end", end)] {
      let rates = try rates(planted)
      print("one block, \(name), \(ground.rawValue), \(count) layers:", rates)
      #expect(rates.hits >= (count < 30 ? 0.8 : 0.98) && rates.extra <= 0.05)
      #expect(rates.exact >= 0.9 * rates.hits)
    }
  }

  @Test(arguments: [30, 60]) func twoBlocks(count: Int) throws {
    for planted in [
      PlantedMap(ground: .decay, count: count, blocks: Self.two(count), lift: 0.3),
      PlantedMap(ground: .decay, count: count, blocks: Self.two(count), level: 0.95),
    ] {
      let rates = try rates(planted)
      print("two blocks, \(planted.level ?? planted.lift), \(count) layers:", rates)
      #expect(rates.hits >= 0.98 && rates.extra <= 0.05)
    }
  }

  /// What is about as weak as the least contrast is found about every second time.
  @Test(arguments: [10, 30, 60]) func weakBlocks(count: Int) throws {
    var planted = PlantedMap(ground: .decay, count: count, blocks: [Self.third(count)], lift: 0.1)
    let least = try rates(planted)
    planted.lift = 0.15
    let more = try rates(planted)
    planted.lift = 0.2
    planted.noise = 0.1
    let noisy = try rates(planted)
    planted.noise = 0.03
    planted.ground = .walk
    let walk = try rates(planted)
    print("weak, \(count) layers: +0.1", least, "+0.15", more, "noise", noisy, "walk", walk)
    #expect(least.hits < more.hits && more.hits >= 0.7)
    #expect(least.extra + more.extra + noisy.extra <= 0.1)
  }

  @Test func manyLayers() throws {
    for (noise, least) in [(0.03, 1.0), (0.1, 0.95)] {
      let one = PlantedMap(
        ground: .decay, count: 200, noise: noise, blocks: [Self.third(200)], lift: 0.2)
      let rates = try rates(one, maps: 20)
      print(
        "200 layers, noise \(noise):", rates,
        try self.rates(PlantedMap(ground: .walk, count: 200), maps: 20))
      #expect(rates.hits >= least && rates.extra <= 0.05)
    }
  }
}
