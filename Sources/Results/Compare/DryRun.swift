import Activations
import CKA
import Device
import Support

/// What `--dry-run` prints.
package struct DryRun {
  let comparison: Comparison
  let plan: FullBatchPlan?
  let cost: FullBatchCost
  let memory: Int?
  let device: DeviceInfo

  /// - Parameter memory: the limit in bytes that was asked for, if any.
  package init(
    _ comparison: Comparison, _ plan: FullBatchPlan?, on team: DeviceTeam, memory: Int?
  ) throws(DeviceError) {
    self.comparison = comparison
    self.plan = plan
    self.memory = memory
    let first = try team.first()
    device = first.info
    if let plan {
      cost = plan.cost
    } else {
      var cost = try comparison.costOfMinibatches(on: first)
      cost.peakMemory = comparison.memoryOfMinibatches(on: team)
      cost.seconds = cost.seconds.map { $0 / Double(team.sharing) }
      self.cost = cost
    }
  }

  package var text: String { algorithms.text + "\n" + costs.text }

  private var algorithms: TextTable {
    var table = TextTable([
      ("algorithm", .left), ("pairs of layers", .right), ("computed in", .left),
    ])
    let counts = plan?.pairCounts ?? [:]
    let batches = comparison.plan.batches.count
    for algorithm in FullBatchPlan.Algorithm.allCases {
      guard let pairs = counts[algorithm], let plan else { continue }
      let steps =
        switch algorithm {
        case .atOnce: "one step"
        case .tiles:
          "\(Format.count(plan.tileCount)) tiles of up to \(plan.division.side) × "
            + "\(plan.division.side) examples"
        case .features: "\(Format.count(plan.featureGroupCount)) passes over their layers"
        }
      table.add([algorithm.rawValue, Format.count(pairs), steps])
    }
    if plan == nil {
      let rows = comparison.left.layers.count
      let pairs = comparison.right.map { rows * $0.layers.count } ?? rows * (rows + 1) / 2
      let size = comparison.plan.batches.largest
      table.add([
        "minibatch", Format.count(pairs),
        "\(Format.count(batches)) minibatches of up to \(size) examples",
      ])
    }
    return table
  }

  private var costs: TextTable {
    var table = TextTable([("cost", .left), ("", .right), ("", .left)])
    func gigaflops(_ flops: Double) -> String { Format.fixed(flops / 1e9, 1) + " Gflop" }
    let layers = comparison.left.layers + (comparison.right?.layers ?? [])
    let once =
      Double(layers.reduce(0) { $0 + $1.bytesPerExample }) * Double(comparison.pairing.count)
    table.add(["Gram matrices", gigaflops(cost.gramFlops), ""])
    table.add(["inner products", gigaflops(cost.pairFlops), ""])
    table.add(["cross-covariances", gigaflops(cost.featureFlops), ""])
    table.add([
      "activations read", Format.bytes(Int(cost.bytesRead)),
      once > 0 ? "each \(Format.fixed(cost.bytesRead / once, 1)) times" : "",
    ])
    let limit =
      memory.map { "of \(Format.bytes($0))" }
      ?? (plan == nil
        ? "" : "of \(Format.bytes(Comparison.defaultMemory)), half of the memory of this process")
    table.add(["peak memory", Format.bytes(cost.peakMemory), limit])
    table.add([
      "expected time", cost.seconds.map { Format.seconds($0) } ?? "", "on \(device.id)",
    ])
    return table
  }
}

extension FullBatchPlan {
  /// How many pairs take which algorithm.
  package var summary: String {
    let counts = pairCounts
    let parts = [
      counts[.tiles].map {
        "\(Format.count($0)) pairs in \(Format.count(tileCount)) tiles of \(division.side) examples"
      },
      counts[.features].map { "\(Format.count($0)) pairs through their features" },
    ].compactMap { $0 }
    return parts.isEmpty ? "each layer by itself" : parts.joined(separator: ", ")
  }
}
