# What each target is made of. Not for editing: `Scripts/check-cmake-sources.py --write` makes this
# file from Package.swift and the folders it names.

cka_swift_library(Activations Sources/Activations
  SOURCES
    ActivationModel.swift
    ActivationSource.swift
    LayerActivations.swift
    LayerShape.swift
    OneLine.swift
    ScalarType.swift)

cka_system_library(CLibzip Sources/CLibzip
  PKG_CONFIG libzip)

cka_swift_library(ActivationFiles Sources/ActivationFiles
  DEPENDS Activations CLibzip
  SOURCES
    ActivationFileError.swift
    ArrayLayout.swift
    FileKind.swift
    Folder.swift
    LayerList.swift
    MappedFile.swift
    ModelFiles.swift
    NPYHeader.swift
    NPYReader.swift
    NPYType.swift
    NPYWriter.swift
    NPZReader.swift
    NaturalOrder.swift
    SafetensorsReader.swift
    Shards.swift
    StrictJSON.swift
    TemporaryFile.swift
    ZipArchive.swift
    ZipInput.swift)

cka_swift_library(Device Sources/Device
  DEPENDS Activations
  SOURCES
    Device.swift
    DeviceError.swift
    GramKernel.swift
    GramTiles.swift
    Matrix.swift
    PackedGrams.swift
    Precision.swift)

cka_system_library(COpenBLAS Sources/COpenBLAS
  PKG_CONFIG openblas)

cka_c_library(CPUKernels Sources/CPUKernels
  SOURCES
    cpu_kernels.c
    wide_features.c)

cka_swift_library(FeatureSlabs Sources/FeatureSlabs
  DEPENDS Activations CPUKernels
  SOURCES
    FeatureSlabs.swift
    FeatureStage.swift
    LayerCenters.swift)

cka_swift_library(BLASDevice Sources/BLASDevice
  DEPENDS COpenBLAS CPUKernels Device FeatureSlabs
  SOURCES
    BLASDevice.swift
    BLASGramStack.swift
    BLASGramTiles.swift
    Centering.swift
    FeatureProducts.swift
    Gram.swift
    GramMatrix.swift
    HSIC.swift
    Memory.swift
    Multiplier.swift
    PackedNumbers.swift
    Pipeline.swift
    RBF.swift
    RBFTiles.swift
    SharedGram.swift
    TileGram.swift
    Tiles.swift)

cka_system_library(CCairo Sources/CCairo
  PKG_CONFIG cairo)

cka_swift_library(CKA Sources/CKA
  DEPENDS Activations Device
  SOURCES
    Comparison.swift
    ComparisonRun.swift
    Estimator.swift
    Exact/Calibration.swift
    Exact/ComparisonPlan.swift
    Exact/DeviceRates.swift
    Exact/ExactPartMaker.swift
    Exact/ExactPlan.swift
    Exact/ExactPlanner.swift
    Exact/ExactRun.swift
    Exact/ExactSums.swift
    Exact/ExactWork.swift
    Exact/FeatureSpace.swift
    Exact/MemoryModel.swift
    Exact/ProcessMemory.swift
    ExamplePairing.swift
    HSICSums.swift
    MinibatchPlan.swift
    MinibatchQueue.swift
    SharedRun.swift
    Similarity.swift
    Verification/NumPyRandom.swift
    Verification/Reference.swift
    Verification/Verification.swift)

cka_c_library(CSystem Sources/CSystem
  SOURCES
    system_calls.c)

cka_swift_library(CommandSupport Sources/CommandSupport
  DEPENDS ArgumentParser CSystem Logging
  SOURCES
    ConcurrentMap.swift
    Console.swift
    Failure.swift
    Formatting.swift
    MappedFileGuard.swift
    ProcessSetup.swift
    Progress.swift
    TextTable.swift
    Writing.swift)

cka_c_library(CKAKernels Kernels
  SOURCES
    kernels.c)

cka_system_library(COpenCL Sources/COpenCL
  PKG_CONFIG OpenCL)

cka_swift_library(OpenCLDevice Sources/OpenCLDevice
  DEPENDS CKAKernels COpenCL Device FeatureSlabs
  SOURCES
    CacheFolder.swift
    Calls.swift
    Centering.swift
    ChunkScratch.swift
    DriverSearch.swift
    Gather.swift
    Gram.swift
    GramPlan.swift
    GramRun.swift
    HSIC.swift
    Handles.swift
    KernelVariant.swift
    MemoryLedger.swift
    OpenCLDevice.swift
    OpenCLDeviceDescription.swift
    OpenCLGramStack.swift
    OpenCLLimits.swift
    Peak.swift
    ProgramCache.swift
    RBF.swift
    Records.swift
    Runtime.swift
    Summaries.swift
    TensorSelfTest.swift
    TensorUse.swift
    Tuner.swift
    TunerTrial.swift
    Tuning.swift
    TuningStore.swift
    Workspace.swift)

cka_swift_library(DeviceRegistry Sources/DeviceRegistry
  DEPENDS BLASDevice Device OpenCLDevice
  SOURCES
    DeviceRegistry.swift
    DeviceSelection.swift
    SelfTest.swift)

cka_swift_library(Figures Sources/Figures
  DEPENDS CCairo
  SOURCES
    AxisLabels.swift
    BundledFonts.swift
    Canvas.swift
    ColorMap.swift
    DisplayText.swift
    FigureError.swift
    FigureFormat.swift
    Geometry.swift
    Heatmap.swift
    HeatmapDrawing.swift
    HeatmapLayout.swift
    HeatmapStyle.swift
    LineChart.swift
    LineChartLayout.swift
    LogarithmicAxis.swift
    Magma.swift
    PixelImage.swift
    SVGCorrections.swift
    Surface.swift
    TerminalFrame.swift
    TerminalMap.swift
    TerminalPainter.swift
    TerminalText.swift
    Ticks.swift
    UndefinedRegions.swift)

cka_command(CKABench Benchmarks/CKABench
  PRODUCT cka-bench
  DEPENDS ActivationFiles ArgumentParser CKA COpenBLAS CSystem CommandSupport DeviceRegistry Figures Logging OpenCLDevice
  SOURCES
    Bench.swift
    Child.swift
    DeviceMeasurement.swift
    Devices.swift
    Diff.swift
    Document.swift
    Float64Reference.swift
    Limits.swift
    Machine.swift
    Measure.swift
    MeasureLimit.swift
    Models.swift
    Peers.swift
    Race.swift
    Run.swift
    RunTable.swift
    RunningProgram.swift
    Scaling.swift
    ScalingSeries.swift
    SyntheticModels.swift
    Synthesize.swift
    TemporaryFolder.swift
    TuneCommand.swift
    Workload.swift)

cka_command(CKACommand Sources/CKACommand
  PRODUCT cka
  DEPENDS ActivationFiles ArgumentParser CKA CSystem CommandSupport DeviceRegistry Figures Logging
  SOURCES
    Command.swift
    CompareCommand.swift
    CompareMessages.swift
    CompareOptions.swift
    ComparePlan.swift
    DevicesCommand.swift
    InspectCommand.swift
    MemorySize.swift
    Models.swift
    PlotCommand.swift
    ResultDocument.swift
    ResultFiles.swift
    ResultFolder.swift
    VerifyCommand.swift)
