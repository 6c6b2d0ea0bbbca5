"""What Apache Spark 4 imports by its name, to register ``spark.read.format("marc")`` without being asked.

Spark imports every module whose name begins with ``pyspark_``, and where one raises, all of them are lost. So this one
never does: where `mrrc_arrow.spark` cannot be imported it has no `DefaultSource`, and ``import mrrc_arrow.spark`` tells
why.
"""

__all__: list[str] = []

try:
    from mrrc_arrow.spark import MarcDataSource as DefaultSource
except (KeyboardInterrupt, SystemExit):
    raise
except BaseException:  # noqa: BLE001, S110, RUF100 - see above; a panic in the core is none of Exception
    pass
else:
    __all__ += ["DefaultSource"]
