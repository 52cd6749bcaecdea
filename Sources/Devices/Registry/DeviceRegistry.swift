import BLASDevice
import Device
import OpenCLDevice

/// All devices of this machine, and the choice among them.
///
/// A new backend is one line in `candidates()`.
public struct DeviceRegistry: Sendable {
  /// A device that could be used.
  public struct Candidate: Sendable {
    /// What it is; `id` is how the user names it.
    public let info: DeviceInfo
    /// What kind of device it is, with its platform, for people.
    public let kind: String
    /// Whether `auto` considers it: a GPU, or the CPU itself.
    public let isForAuto: Bool
    /// Whether its tile shapes were measured (`cka-bench tune`); nil where there are none.
    public let isTuned: Bool?
    let make: @Sendable () throws(DeviceError) -> any Device
  }

  /// The devices to work on: the first is the chosen one, or several that share the work; the
  /// others take over where those fail.
  public struct Choice: Sendable {
    /// At least one device.
    public let devices: [any Device]
    /// How many of them, from the first, share the work.
    public var sharing = 1
    /// One sentence per element: which device was chosen and why others were skipped.
    public let reasons: [String]
    /// The `reasons` to report even if not asked for: an unusable GPU, or a device that cannot do
    /// what was requested; not the absence of a GPU.
    public let news: [String]
  }

  /// Every device of this machine, in the order `auto` tries them, the CPU last.
  public let candidates: [Candidate]
  /// Why OpenCL devices could not be listed, where that failed.
  public let openCLFailure: DeviceError?

  /// Looks for the devices of this machine, which starts every OpenCL driver that is installed. What
  /// is chosen of them makes products of the given precision, or better ones.
  ///
  /// - Parameters:
  ///   - precision: how devices may round products.
  ///   - openCLDevices: lists OpenCL's devices. A program may tell OpenCL's loader of drivers there.
  public init(
    precision: Precision = .exact,
    openCLDevices: () throws(DeviceError) -> [OpenCLDeviceDescription] = OpenCLDevice.all
  ) {
    var candidates: [Candidate] = []
    do throws(DeviceError) {
      candidates = try openCLDevices().map { description in
        Candidate(
          info: description.info, kind: description.kind, isForAuto: description.isGPU,
          isTuned: description.isTuned
        ) { () throws(DeviceError) in try OpenCLDevice(description, precision: precision) }
      }
      openCLFailure = nil
    } catch {
      openCLFailure = error
    }
    let cpu = BLASDevice()
    candidates.append(Candidate(info: cpu.info, kind: "CPU", isForAuto: true, isTuned: nil) { cpu })
    self.candidates = candidates
  }

  /// The device that `selection` names. The CPU is chosen without a look at any OpenCL driver.
  ///
  /// - Throws: as `choose(_:process:)` of a registry.
  public static func choose(
    _ selection: DeviceSelection, precision: Precision = .exact, process: Int = 0,
    openCLDevices: () throws(DeviceError) -> [OpenCLDeviceDescription] = OpenCLDevice.all
  ) throws(DeviceError) -> Choice {
    guard selection != .cpu else { return Choice(devices: [BLASDevice()], reasons: [], news: []) }
    return try DeviceRegistry(precision: precision, openCLDevices: openCLDevices)
      .choose(selection, process: process)
  }

  /// The device that `selection` names, with what takes over where it fails.
  ///
  /// - Parameters:
  ///   - selection: what the user asked for.
  ///   - process: which of several processes on this machine asks, from 0: where no index is named, each takes the next
  ///     GPU, or where there is none the next OpenCL device, and the first again after the last.
  /// - Throws: `DeviceError` of kind `.notFound` where the user named a device that is not there,
  ///   or its own error where it cannot be used.
  public func choose(
    _ selection: DeviceSelection, process: Int = 0
  ) throws(DeviceError) -> Choice {
    switch selection {
    case .automatic: return automatic(process)
    case .cpu: return Choice(devices: [BLASDevice()], reasons: [], news: [])
    case .allOpenCL: return try all()
    case .openCL(let index):
      let found = order(of: process).filter { $0.info.backend == "OpenCL" }
      let candidate =
        if let index { found.first { $0.info.id == "opencl:\(index)" } } else {
          found.first(where: \.isForAuto) ?? found.first
        }
      guard let candidate else {
        throw openCLFailure ?? notFound(index.map { "opencl:\($0)" } ?? "an OpenCL device", found)
      }
      let device = try candidate.make()
      let notes = notes(on: device)
      return Choice(devices: [device, BLASDevice()], reasons: notes, news: notes)
    }
  }

  /// What `auto` does, with the reasons. It never fails: the CPU is always there.
  private func automatic(_ process: Int) -> Choice {
    var account = Account()
    if let openCLFailure { account.tell(["OpenCL is not used: \(openCLFailure)"]) }
    for candidate in order(of: process) where candidate.info.backend != "BLAS" {
      guard candidate.isForAuto else {
        account.reasons.append(
          "\(candidate.info.id) (\(candidate.info.name)) is skipped: not a GPU, "
            + "slower than the CPU through BLAS")
        continue
      }
      do throws(DeviceError) {
        let device = try candidate.make()
        try SelfTest.run(device)
        account.reasons.append("using \(candidate.info.id): \(candidate.info.name)")
        account.tell(notes(on: device))
        return Choice(
          devices: [device, BLASDevice()], reasons: account.reasons, news: account.news)
      } catch {
        account.tell(["\(candidate.info.id) (\(candidate.info.name)) is skipped: \(error)"])
      }
    }
    let cpu = BLASDevice()
    if account.reasons.isEmpty { account.reasons.append("no OpenCL device was found") }
    let using = "using cpu: \(cpu.info.name)"
    // Who hears that a GPU was passed over also hears what takes its place.
    if account.news.isEmpty { account.reasons.append(using) } else { account.tell([using]) }
    return Choice(devices: [cpu], reasons: account.reasons, news: account.news)
  }

  /// The candidates as a process tries them: GPUs, or all OpenCL devices where there is none, begin with another one for
  /// each.
  func order(of process: Int) -> [Candidate] {
    let found = candidates.filter { $0.info.backend == "OpenCL" }
    let gpus = found.filter(\.isForAuto)
    let turning = gpus.isEmpty ? found : gpus
    guard !turning.isEmpty else { return candidates }
    let first = process % turning.count
    var turned = (turning[first...] + turning[..<first]).makeIterator()
    return candidates.map { candidate in
      let turns = candidate.info.backend == "OpenCL" && (gpus.isEmpty || candidate.isForAuto)
      return turns ? turned.next() ?? candidate : candidate
    }
  }

  /// All OpenCL GPUs that can be opened; where there is none, all OpenCL devices.
  private func all() throws(DeviceError) -> Choice {
    let found = candidates.filter { $0.info.backend == "OpenCL" }
    let gpus = found.filter(\.isForAuto)
    var devices: [any Device] = []
    var account = Account()
    var failure = notFound("opencl:all", found)
    for candidate in gpus.isEmpty ? found : gpus {
      do throws(DeviceError) {
        let device = try candidate.make()
        devices.append(device)
        account.reasons.append("using \(candidate.info.id): \(candidate.info.name)")
        account.tell(notes(on: device))
      } catch {
        failure = error
        account.tell(["\(candidate.info.id) (\(candidate.info.name)) is skipped: \(error)"])
      }
    }
    guard !devices.isEmpty else { throw failure }
    return Choice(
      devices: devices + [BLASDevice()], sharing: devices.count, reasons: account.reasons,
      news: account.news)
  }

  /// What was found while a device was chosen.
  private struct Account {
    var reasons: [String] = []
    var news: [String] = []

    /// Adds reasons that are news.
    mutating func tell(_ texts: [String]) {
      reasons += texts
      news += texts
    }
  }

  /// Where a device does not use what the precision asks for.
  private func notes(on device: any Device) -> [String] {
    device.info.precisionNote.map { [$0] } ?? []
  }

  private func notFound(_ wanted: String, _ found: [Candidate]) -> DeviceError {
    let present =
      found.isEmpty
      ? "there is no OpenCL device; is a driver (ICD) installed?"
      : "there are " + found.map(\.info.id).joined(separator: ", ")
    return DeviceError(kind: .notFound, call: "choosing \(wanted)", context: present)
  }
}
