import Activations
import CKA
import CommandSupport
import Device
import DeviceRegistry
import Foundation
import Logging
import Support

extension Comparison {
  /// How an estimate over all examples is made within the memory the user grants; nil for minibatches,
  /// whose memory is checked.
  func plan(
    on choice: DeviceRegistry.Choice, memory: MemorySize?, isMeasured: Bool
  ) throws -> ExactPlan? {
    if memory != nil { ProcessSetup.returnFreedMemory() }
    do throws(ExactPlanError) {
      if let plan = try exactPlan(
        on: choice.devices, sharing: choice.sharing, memory: memory?.bytes ?? Self.defaultMemory,
        isMeasured: isMeasured)
      {
        return plan
      }
    } catch {
      switch error {
      case .device(let error): throw failure(of: error)
      case .tooLittleMemory(_, let least): throw tooLittle(memory, least: least)
      }
    }
    let needed = memoryOfMinibatches(on: choice.devices, sharing: choice.sharing)
    if let memory, needed > memory.bytes { throw tooLittle(memory, least: needed) }
    return nil
  }

  private func tooLittle(_ memory: MemorySize?, least: Int) -> Failure {
    // What the process takes by itself differs a little from run to run.
    let mebibytes = (least + ProcessMemory.grain) >> 20 + 1
    let given = Format.bytes(memory?.bytes ?? Self.defaultMemory)
    let whose = memory == nil ? ", half of what this process may have," : ""
    let batches = if case .minibatch = estimator { " or a smaller --batch-size" } else { "" }
    return Failure(
      .usage,
      "--memory \(given)\(whose) is too little for \(estimator.name) CKA of these layers: "
        + "at least --memory \(mebibytes)M\(batches) would do")
  }
}

/// Says how an exact estimate is made where that is not the plain way.
func announce(_ plan: ExactPlan?, memory: MemorySize?, to log: Logger) {
  guard let plan, !plan.isAtOnce else { return }
  let bytes = Format.bytes(memory?.bytes ?? Comparison.defaultMemory)
  let whose = memory == nil ? ", half of what this process may have" : ""
  let time = plan.cost.seconds.map { "; about \(Format.seconds($0))" } ?? ""
  log.info("\(plan.summary), within \(bytes)\(whose)\(time)")
}

extension ExactPlan {
  /// How many pairs take which algorithm.
  fileprivate var summary: String {
    let counts = pairCounts
    let parts = [
      counts[.tiles].map {
        "\(Format.count($0)) pairs in \(Format.count(tileCount)) tiles of \(division.side) examples"
      },
      counts[.features].map { "\(Format.count($0)) pairs by their features" },
    ].compactMap { $0 }
    return parts.isEmpty ? "each layer by itself" : parts.joined(separator: ", ")
  }
}

/// What `--dry-run` prints.
struct DryRun {
  let comparison: Comparison
  let plan: ExactPlan?
  let cost: ExactCost
  let memory: MemorySize?
  let device: DeviceInfo

  init(
    _ comparison: Comparison, _ plan: ExactPlan?, on choice: DeviceRegistry.Choice,
    memory: MemorySize?
  ) throws {
    self.comparison = comparison
    self.plan = plan
    self.memory = memory
    device = choice.devices[0].info
    if let plan {
      cost = plan.cost
    } else {
      do throws(DeviceError) {
        var cost = try comparison.costOfMinibatches(on: choice.devices[0])
        cost.peakMemory = comparison.memoryOfMinibatches(
          on: choice.devices, sharing: choice.sharing)
        cost.seconds = cost.seconds.map { $0 / Double(choice.sharing) }
        self.cost = cost
      } catch {
        throw failure(of: error)
      }
    }
  }

  var text: String { algorithms.text + "\n" + costs.text }

  private var algorithms: TextTable {
    var table = TextTable([("algorithm", .left), ("pairs of layers", .right), ("made in", .left)])
    let counts = plan?.pairCounts ?? [:]
    let batches = comparison.plan.batches.count
    for algorithm in ExactPlan.Algorithm.allCases {
      guard let pairs = counts[algorithm], let plan else { continue }
      let steps =
        switch algorithm {
        case .atOnce: "one piece"
        case .tiles:
          "\(Format.count(plan.tileCount)) tiles of up to \(plan.division.side) × "
            + "\(plan.division.side) examples"
        case .features: "\(Format.count(plan.featureGroupCount)) readings of their layers"
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
    table.add(["pairs of them", gigaflops(cost.pairFlops), ""])
    table.add(["products of features", gigaflops(cost.featureFlops), ""])
    table.add([
      "activations read", Format.bytes(Int(cost.bytesRead)),
      once > 0 ? "each \(Format.fixed(cost.bytesRead / once, 1)) times" : "",
    ])
    let limit =
      memory.map { "of \(Format.bytes($0.bytes))" }
      ?? (plan == nil
        ? "" : "of \(Format.bytes(Comparison.defaultMemory)), half of what this process may have")
    table.add(["peak memory", Format.bytes(cost.peakMemory), limit])
    table.add([
      "expected time", cost.seconds.map { Format.seconds($0) } ?? "", "on \(device.id)",
    ])
    return table
  }
}

extension ResultDocument {
  /// How an estimate over all examples was made.
  struct Plan: Codable {
    /// How many pairs of layers took which algorithm; of one model, each pair once.
    var pairs: [String: Int]
    /// The layers with tiles, by their places in each model; left out where there are no tiles.
    var tiledLayers: [[Int]]?
    /// Examples a side; left out where there are no tiles.
    var tileSide: Int?
    var tiles: Int?
    /// Readings of layers for products of their features.
    var readings: Int?
    var flops: Double
    var bytesRead: Double
    /// Bytes that everything might take, and the most that the process had.
    var memory: Int
    var peakMemory: Int
    /// Nil where no rates were measured.
    var expectedSeconds: Double?
  }
}

extension ResultDocument.Plan {
  init(_ plan: ExactPlan, of comparison: Comparison, memory: MemorySize?) {
    pairs = Dictionary(
      uniqueKeysWithValues: plan.pairCounts.map { ($0.key.rawValue, $0.value) })
    if plan.tileCount > 0 {
      tiledLayers =
        comparison.right == nil ? [plan.tiledLeft] : [plan.tiledLeft, plan.tiledRight]
      tileSide = plan.division.side
      tiles = plan.tileCount
    }
    if plan.featureGroupCount > 0 { readings = plan.featureGroupCount }
    flops = plan.cost.flops
    bytesRead = plan.cost.bytesRead
    self.memory = memory?.bytes ?? Comparison.defaultMemory
    peakMemory = ProcessMemory.peak
    expectedSeconds = plan.cost.seconds
  }
}
