import Activations
import Device
import Support

extension Document {
  /// The machine and its limits, in lines.
  func header(devices: [DeviceInfo]) -> String {
    var lines = [
      "\(machine.processor), \(machine.cores) cores, \(Format.bytes(machine.memory)), "
        + machine.system,
      machine.kernels,
      "\(date), commit \(commit ?? "unknown")",
    ]
    if let limits {
      let others = limits.sgemmTried.dropFirst().map {
        "\($0.kernels) \(Format.fixed($0.gigaflops, 0))"
      }
      lines += [
        "",
        "sgemm peak: \(Format.fixed(limits.sgemm.gigaflops, 0)) GFLOP/s (\(limits.sgemm.library), "
          + "\(limits.sgemm.kernels) kernels, \(limits.sgemm.threads) threads"
          + (others.isEmpty ? ")" : "; \(others.joined(separator: ", ")))"),
        "memory: reading \(rate(limits.memory.readOneCore)) on one core, "
          + "\(rate(limits.memory.readAllCores)) on all; triad "
          + "\(rate(limits.memory.triadOneCore)) and \(rate(limits.memory.triadAllCores))",
      ]
      for peak in limits.openCL {
        let info = devices.first { $0.id == peak.id }
        lines.append(
          "\(peak.id) (\(oneLine(info?.name ?? ""))): transfer \(rate(peak.transfer)) from pinned "
            + "memory, float32 \(Format.fixed(peak.gigaflops, 0)) GFLOP/s")
      }
    }
    return lines.joined(separator: "\n")
  }

  private func rate(_ gigabytes: Double) -> String { "\(Format.fixed(gigabytes, 1)) GB/s" }
}

/// One workload's rows for people.
func runTable(_ rows: [Document.Row]) -> String {
  var table = TextTable([
    ("device", .left), ("read", .right), ("transfer", .right), ("gram", .right), ("pairs", .right),
    ("total", .right), ("least … most", .right), ("GFLOP/s", .right), ("of limit", .right),
    ("pairs GFLOP/s", .right), ("error", .right), ("memory", .right),
  ])
  for row in rows {
    let stages = row.stages ?? Child.Stages(read: 0, transfer: 0, gram: 0, pairs: 0)
    let work = (row.gramWork ?? 0) + (row.pairsWork ?? 0)
    table.add([
      String(row.device.prefix { $0 != "," }), Format.seconds(stages.read),
      stages.transfer > 0 ? Format.seconds(stages.transfer) : "–", Format.seconds(stages.gram),
      Format.seconds(stages.pairs), Format.seconds(row.seconds.median), range(row.seconds),
      Format.fixed(work / row.seconds.median, 1),
      row.bound.map { "\(percent($0.seconds / row.seconds.median)) of \($0.limit)" } ?? "–",
      pairsRate(row, seconds: stages.pairs),
      row.error.map(Format.scientific) ?? "–", Format.bytes(row.peakMemory),
    ])
  }
  return table.text
}

/// The stage of all pairs by itself: GFLOP/s and the fraction of the device's peak.
private func pairsRate(_ row: Document.Row, seconds: Double) -> String {
  guard let work = row.pairsWork, let peak = row.bound?.gigaflops, seconds > 0 else { return "–" }
  let rate = work / seconds
  return "\(Format.fixed(rate, 1)) (\(percent(rate / peak)))"
}

func range(_ spread: Spread) -> String {
  "\(Format.seconds(spread.least)) … \(Format.seconds(spread.most))"
}

func percent(_ fraction: Double) -> String { "\(Format.fixed(100 * fraction, 0)) %" }
